import { expect, it } from 'vitest';
import { probeResponse } from './health.ts';

const now = 1_000_000_000;
const ready = (lastCurrentAt: number | undefined) =>
  probeResponse('/readyz', { lastCurrentAt, lastContactAt: undefined, pauseReason: undefined }, now).status;
const live = (lastContactAt: number | undefined) =>
  probeResponse('/healthz', { lastCurrentAt: undefined, lastContactAt, pauseReason: undefined }, now).status;

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
  const contact = { lastCurrentAt: now, lastContactAt: now, pauseReason: undefined };
  expect(probeResponse('/metrics', contact, now).status).toBe(404);
});

it('an operator that may not act is alive and not ready, and says why', () => {
  const contact = { lastCurrentAt: now, lastContactAt: now, pauseReason: 'Amalthea runs.' };
  expect(probeResponse('/readyz', contact, now)).toEqual({ status: 503, text: 'Amalthea runs.' });
  expect(probeResponse('/healthz', contact, now).status).toBe(200);
});
