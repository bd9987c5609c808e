import { expect, it } from 'vitest';
import { classBegins } from '../support/sessions/class-begins.ts';

/** The full size, 1,000 users within a minute, is tests/integration/class-begins.test.ts. */
it('launches 100 sessions of 100 users within five seconds while GitLab answers some calls with 429', async () => {
  // Twice the default, because a hundred launches, their servers and other tests share this machine.
  const deadlineMs = 20_000;
  const report = await classBegins({ users: 100, withinMs: 5_000, limitEvery: 90, deadlineMs });
  expect(report.statuses).toEqual({ 201: 100 });
  expect(report.sessions).toBe(100);
  expect(report.slowest).toBeLessThan(deadlineMs);
  expect(report.gitlab.limited).toBeGreaterThanOrEqual(3);
  expect(report.gitlab.tooEarly).toBe(0);
  // Three calls for each launch, and one more for each that was limited.
  expect(report.gitlab.calls).toBe(300 + report.gitlab.limited);
});
