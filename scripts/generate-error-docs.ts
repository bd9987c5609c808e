/**
 * Writes docs/errors.md from the table in src/errors.ts; with --check it writes nothing and fails when the file is not
 * what it would write.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ErrorKind, errorKind } from '../src/errors.ts';

const target = join(import.meta.dirname, '../docs/errors.md');

const ranges = [
  [
    1000,
    'The caller can mend it',
    'The request asks for something that cannot be. The same request again is refused again.',
  ],
  [
    2000,
    'A mistake of the service or its set-up',
    'The administrator of the platform can mend it; the log has the whole story under the request id.',
  ],
  [
    3000,
    'Passing trouble',
    'Something that the service needs does not work at the moment; the message names it. `Retry-After` says when to try again; where it is missing, trying again alone does not help.',
  ],
] as const;

/** Codes of the original service that this one never answers, with the reason. */
const retired = [
  [1001, 'Duplicate buckets are fields that are wrong (1422), as the original answered, too.'],
  [2002, 'Names are unique and owners are checked: no look-up can find too many.'],
  [2003, 'One place sets the variables of a session, so that two cannot disagree.'],
  [3003, 'There is no separate cache that can fail: reads fall back to the Kubernetes API.'],
  [2500, 'What a framework threw is a bug (2000) here.'],
] as const;

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function entry({ code, status, when, example, detail, retryAfterSeconds }: ErrorKind): string {
  const again = retryAfterSeconds === null ? 'no' : `after \`Retry-After\`, usually ${retryAfterSeconds} s`;
  return `| ${[String(code), String(status), example, when, detail, again].map(cell).join(' | ')} |`;
}

function page(): string {
  const kinds = Object.values<ErrorKind>(errorKind).sort((one, other) => one.code - other.code);
  const sections = ranges.flatMap(([from, title, text]) => [
    `## ${from} to ${from + 999}: ${title.toLowerCase()}`,
    '',
    text,
    '',
    '| Code | Status | Message, for example | When | What to do | Try again |',
    '|---|---|---|---|---|---|',
    ...kinds.filter(({ code }) => code >= from && code < from + 1000).map(entry),
    '',
  ]);
  return [
    '<!-- Generated from src/errors.ts by `npm run generate`. Do not edit. -->',
    '',
    '# Errors',
    '',
    'Every error has the same shape. `message` says what happened, `detail` what to do about it, `code` is the same in all',
    'versions, `fields` (where there are any) lists every part of the request that is wrong, and `requestId` stands in the',
    "service's log, too.",
    '',
    '```json',
    JSON.stringify(
      {
        error: {
          message: errorKind.missing.example,
          detail: errorKind.missing.detail,
          code: errorKind.missing.code,
          fields: [{ path: 'body.branch', message: 'does not exist, or not for you' }],
          requestId: '5f0c7f0e-8f1c-4c53-9a57-0d5b1f2f6c11',
        },
      },
      null,
      2,
    ),
    '```',
    '',
    'Where the place of an error knows more than this list, its `detail` says that instead.',
    '',
    ...sections,
    '## Codes of the original service that are never answered',
    '',
    '| Code | Why |',
    '|---|---|',
    ...retired.map(([code, why]) => `| ${code} | ${why} |`),
    '',
  ].join('\n');
}

function current(): string {
  try {
    return readFileSync(target, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

if (!process.argv.includes('--check')) {
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, page());
} else if (current() !== page()) {
  process.stderr.write('docs/errors.md is not what src/errors.ts says; run: npm run generate\n');
  process.exitCode = 1;
}
