import { expect, it } from 'vitest';
import { probeStatus } from './health.ts';

const now = 1_000_000_000;
const ready = (lastCurrentAt: number | undefined) =>
  probeStatus('/readyz', { lastCurrentAt, lastContactAt: undefined }, now);
const live = (lastContactAt: number | undefined) =>
  probeStatus('/healthz', { lastCurrentAt: undefined, lastContactAt }, now);

it('an operator is ready only after it has reached the API server, and not while its caches are old', () => {
  expect(ready(undefined)).toBe(503);
  expect(ready(now - 40_000)).toBe(200);
  expect(ready(now - 60_000)).toBe(503);
});

it('an operator is not restarted before it has reached the API server, nor while the API server is away for some minutes', () => {
  expect(live(undefined)).toBe(200);
  expect(live(now - 600_000)).toBe(200);
  expect(live(now - 900_000)).toBe(503);
});

it('an operator serves no other probes', () => {
  expect(probeStatus('/metrics', { lastCurrentAt: now, lastContactAt: now }, now)).toBe(404);
});
