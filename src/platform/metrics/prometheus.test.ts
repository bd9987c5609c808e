import { describe, expect, it } from 'vitest';
import { createMetrics } from './prometheus.ts';

const linesOf = async (metrics: ReturnType<typeof createMetrics>, name: string): Promise<string[]> =>
  (await metrics.text()).split('\n').filter((line) => line.startsWith(`notebook_sessions_${name}`));

describe('metrics', () => {
  it('have all series from the start, with the value 0', async () => {
    const metrics = createMetrics();
    metrics.counter({ name: 'calls_total', help: 'x', labels: { target: ['a', 'b'], outcome: ['success'] } });
    metrics.histogram({ name: 'call_seconds', help: 'x', labels: { target: ['a'] }, buckets: [1] });
    expect(await linesOf(metrics, 'calls_total')).toEqual([
      'notebook_sessions_calls_total{target="a",outcome="success"} 0',
      'notebook_sessions_calls_total{target="b",outcome="success"} 0',
    ]);
    expect(await linesOf(metrics, 'call_seconds_count')).toEqual([
      'notebook_sessions_call_seconds_count{target="a"} 0',
    ]);
  });

  it('count a value that a label does not list as other, so that callers cannot create series', async () => {
    const metrics = createMetrics();
    const labels: { route: readonly string[] } = { route: ['known'] };
    const counter = metrics.counter({ name: 'requests_total', help: 'x', labels });
    for (const route of ['known', 'x1', 'x2', '"}\n']) counter.increment({ route });
    expect(await linesOf(metrics, 'requests_total')).toEqual([
      'notebook_sessions_requests_total{route="known"} 1',
      'notebook_sessions_requests_total{route="other"} 3',
    ]);
  });

  it('read gauges when the metrics are read, and add up the values of one series', async () => {
    const metrics = createMetrics();
    let value = 1;
    const labels: { state: readonly string[] } = { state: ['running', 'failed'] };
    metrics.gauge({
      ...{ name: 'sessions', help: 'x', labels },
      read: () => [
        [{ state: 'running' }, value],
        [{ state: 'invented' }, 1],
        [{ state: 'another' }, 1],
      ],
    });
    value = 5;
    expect(await linesOf(metrics, 'sessions')).toEqual([
      'notebook_sessions_sessions{state="running"} 5',
      'notebook_sessions_sessions{state="failed"} 0',
      'notebook_sessions_sessions{state="other"} 2',
    ]);
  });

  it('include those of the process', async () => {
    expect(await createMetrics().text()).toMatch(/^process_resident_memory_bytes \d+$/m);
  });
});
