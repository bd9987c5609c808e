import { once } from 'node:events';
import { afterEach, expect, it, vi } from 'vitest';
import { Deadline } from './deadline.ts';

afterEach(() => vi.restoreAllMocks());

it('has expired when its signal has aborted, even if the clock is behind the timer', async () => {
  vi.spyOn(performance, 'now').mockReturnValue(1_000);
  const deadline = Deadline.after(5);
  expect(deadline.expired).toBe(false);
  await once(deadline.signal, 'abort');
  expect(deadline.expired).toBe(true);
});
