import type { TestContext } from 'vitest';

/** Returns 0, or 1 when the test runs again after a failure (`retry` in vitest.config.ts): what the first attempt has made remains. */
export const attemptOf = ({ task }: Pick<TestContext, 'task'>): number => task.result?.retryCount ?? 0;
