import { expect, it } from 'vitest';
import { measurable } from '../support/benchmark.ts';

it('the benchmarks of the service and the local platform can be measured', async () => {
  const figures = [
    ...['start', 'session', 'calls', 'get', 'open-loop', 'launch', 'followers', 'events', 'processor', 'flood'],
    ...['scale', 'operator-memory', 'save', 'kernels'],
  ];
  expect(await measurable(figures)).toEqual(figures);
});
