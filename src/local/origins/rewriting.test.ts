import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { createOriginRewriter } from './rewriting.ts';

const local = { pages: 'http://127.0.0.1:8000', sessions: 'http://127.0.0.1:8001' };
const browser = { pages: 'https://a.example.org', sessions: 'https://b.example.org' };

test('passes on complete lines of a stream at once and all but the end of a long line, with the origins of the browser', () => {
  const headers = { 'content-type': 'text/event-stream' };
  const body = createOriginRewriter(local, browser)?.responseBody({ headers } as IncomingMessage);
  const passedOn = (chunk: string): string => {
    body?.write(chunk);
    return String(body?.read() ?? '');
  };
  expect(passedOn(`data: ${local.pages}\n\n`)).toBe(`data: ${browser.pages}\n\n`);
  expect(passedOn('x'.repeat(10_000)).length).toBeGreaterThan(9_900);
  passedOn(local.sessions.slice(0, 12));
  expect(passedOn(`${local.sessions.slice(12)}/\n`)).toMatch(/^x*https:\/\/b\.example\.org\/\n$/);
});
