/** Writes docs/errors.md from the table in src/errors.ts. With --check it writes nothing and fails if the file is outdated. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ErrorKind, errorKind } from '../src/errors.ts';

const target = join(import.meta.dirname, '../docs/errors.md');

const ranges = [
  [1000, 'Errors of the request', 'The service cannot fulfil the request. The same request fails again.'],
  [
    2000,
    'Errors of the service or its configuration',
    'The administrator of the platform can fix the cause. The log has the details under the request id.',
  ],
  [
    3000,
    'Temporary failures',
    'A server that the service needs is unavailable; the message names it. `Retry-After` says when to retry. Without it, a retry alone does not help.',
  ],
] as const;

/** Codes of the original service that this service never returns, with the reason. */
const retired = [
  [1001, 'Duplicate buckets are invalid fields (1422), as in the responses of the original.'],
  [2002, 'Names are unique and owners are checked, so a lookup finds at most one session.'],
  [2003, 'The variables of a session are set in one place, so they cannot conflict.'],
  [3003, 'The service has no separate cache that can fail; it reads from the Kubernetes API instead.'],
  [2500, 'An error of a framework is a bug (2000) here.'],
] as const;

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function entry({ code, status, when, example, detail, retryAfterSeconds }: ErrorKind): string {
  const retry = retryAfterSeconds === null ? 'no' : `after \`Retry-After\`, usually ${retryAfterSeconds} s`;
  return `| ${[String(code), String(status), example, when, detail, retry].map(cell).join(' | ')} |`;
}

function page(): string {
  const kinds = Object.values<ErrorKind>(errorKind).sort((one, other) => one.code - other.code);
  const sections = ranges.flatMap(([from, title, text]) => [
    `## ${from} to ${from + 999}: ${title.toLowerCase()}`,
    '',
    text,
    '',
    '| Code | Status | Example of a message | Cause | Solution | Retry |',
    '|---|---|---|---|---|---|',
    ...kinds.filter(({ code }) => code >= from && code < from + 1000).map(entry),
    '',
  ]);
  return [
    '<!-- Generated from src/errors.ts by `npm run generate`. Do not edit. -->',
    '',
    '# Errors',
    '',
    'All errors have the same format. `message` says what happened and `detail` what to do. `code` is the same in all versions.',
    '`fields` lists every invalid part of the request, if there are any. `requestId` is also in the log of the service.',
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
    'The `detail` of a response can be more specific than the solution in this list.',
    '',
    ...sections,
    '## Codes of the original service that are never returned',
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
  process.stderr.write('docs/errors.md is outdated; run: npm run generate\n');
  process.exitCode = 1;
}
