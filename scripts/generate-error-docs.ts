/**
 * Writes docs/errors.md from the table in src/errors.ts. With --check, writes nothing and fails if the file is out of date.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ErrorKind, errorKind } from '../src/errors.ts';

const target = join(import.meta.dirname, '../docs/errors.md');

const ranges = [
  [1000, 'The caller can correct the request', 'The same request fails again in the same way.'],
  [
    2000,
    'A bug or a configuration error of the service',
    'The administrator of the platform can correct it. The log of the service has the details under the request id.',
  ],
  [
    3000,
    'A temporary failure',
    'A server that the service needs is unavailable or rejects its requests; the message names the server. `Retry-After` gives the seconds after which to try again. Without this header, a second attempt fails in the same way.',
  ],
] as const;

/** Codes of the original service that this service never sends, with the reason. */
const retired = [
  [1001, 'Duplicate buckets are invalid fields (1422), also in the responses of the original.'],
  [2002, 'Names are unique and owners are checked: a lookup never finds more than one session.'],
  [2003, 'One module sets the variables of a session, so no two values can conflict.'],
  [3003, 'There is no separate cache that can fail: the service reads from the Kubernetes API instead.'],
  [2500, 'An unexpected error of a framework is a bug (2000).'],
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
    'Every error has the same structure. `message` says what happened and `detail` says what to do. `code` is the same in all',
    'versions. `fields`, if present, lists every invalid part of the request. `requestId` is also in the log of the service.',
    '',
    '```json',
    JSON.stringify(
      {
        error: {
          message: errorKind.missing.example,
          detail: errorKind.missing.detail,
          code: errorKind.missing.code,
          fields: [{ path: 'body.branch', message: 'does not exist or you do not have access' }],
          requestId: '5f0c7f0e-8f1c-4c53-9a57-0d5b1f2f6c11',
        },
      },
      null,
      2,
    ),
    '```',
    '',
    'The `detail` of a response can be more specific than in this list.',
    '',
    ...sections,
    '## Codes of the original service that this service never sends',
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
  process.stderr.write('docs/errors.md does not match src/errors.ts; run: npm run generate\n');
  process.exitCode = 1;
}
