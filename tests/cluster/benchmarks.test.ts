import { expect, it } from 'vitest';
import { measurable } from '../support/benchmark.ts';

it('the benchmarks on a real API server can be measured', async () => {
  const figures = ['children', 'fairness'];
  expect(await measurable(figures)).toEqual(figures);
});
