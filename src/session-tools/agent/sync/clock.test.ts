import { expect, it } from 'vitest';
import { createClockCheck } from './clock.ts';

const minute = 60_000;

it('backups expire only while the clock has run evenly for ten minutes, and not after a jump', () => {
  let [time, elapsed] = [1_800_000_000_000, 5];
  const isEven = createClockCheck(
    () => time,
    () => elapsed,
  );
  const pass = (minutes: number, jump = 0) => {
    elapsed += minutes * minute;
    time += (minutes + jump) * minute;
    return isEven();
  };
  expect([isEven(), pass(9), pass(1), pass(60)]).toEqual([false, false, true, true]);
  expect([pass(1, 60 * 24 * 365), pass(9), pass(1)]).toEqual([false, false, true]);
  expect([pass(1, -60), pass(10)]).toEqual([false, true]);
});
