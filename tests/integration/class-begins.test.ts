import { expect, it } from 'vitest';
import { classBegins } from '../support/sessions/class-begins.ts';

it('launches 1,000 sessions within a minute: no 5xx, no launch exceeds the deadline, no call to GitLab comes too early', async () => {
  const deadlineMs = 10_000;
  const report = await classBegins({ users: 1_000, withinMs: 40_000, limitEvery: 200, deadlineMs });
  process.stdout.write(`class begins: ${JSON.stringify(report)}\n`);
  expect(report.statuses).toEqual({ 201: 1_000 });
  expect(report.sessions).toBe(1_000);
  expect(report.slowest).toBeLessThan(deadlineMs);
  expect(report.gitlab.limited).toBeGreaterThanOrEqual(15);
  expect(report.gitlab.tooEarly).toBe(0);
  expect(report.gitlab.calls).toBe(3_000 + report.gitlab.limited);
});
