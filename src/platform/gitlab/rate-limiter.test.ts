import { describe, expect, it } from 'vitest';
import { Deadline } from '../../lib/deadline.ts';
import { createRateLimiter, type Permit } from './rate-limiter.ts';
import { GitLabUnavailable } from './types.ts';

const host = 'gitlab.example.org';
const inTime = () => Deadline.after(10_000);
const response = (status: number, headers: Record<string, string> = {}) => ({ status, headers });

/** A limiter that records the permits that callers get, in order. */
function record(options: Parameters<typeof createRateLimiter>[0] = {}) {
  const limiter = createRateLimiter(options);
  const permits: { caller: string; permit: Permit; at: number }[] = [];
  const rejections: unknown[] = [];
  return {
    permits,
    rejections,
    callers: () => permits.map(({ caller }) => caller).join(''),
    acquire(caller: string, deadline = inTime(), at = host) {
      return limiter.acquire(at, caller, deadline).then(
        (permit) => void permits.push({ caller, permit, at: performance.now() }),
        (error: unknown) => void rejections.push(error),
      );
    },
    /** Resolves when every permit that is free has been given. */
    settled: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

describe('permits', () => {
  it('are given round-robin, so that a caller with many requests does not delay the others', async () => {
    const limiter = record({ concurrency: 1, maxConcurrency: 1 });
    for (let count = 0; count < 4; count++) void limiter.acquire('a');
    for (const caller of ['b', 'c']) void limiter.acquire(caller);
    for (let step = 0; step < 6; step++) {
      await limiter.settled();
      limiter.permits[step]?.permit.release(response(200));
    }
    expect(limiter.callers()).toBe('aabcaa');
  });

  it('are limited for each caller and in total, separately for each host', async () => {
    const limiter = record({ concurrency: 5, perCaller: 3 });
    for (let count = 0; count < 4; count++) for (const caller of ['a', 'b']) void limiter.acquire(caller);
    await limiter.settled();
    expect(limiter.permits).toHaveLength(5);
    expect(limiter.callers().replaceAll('b', '').length).toBeLessThanOrEqual(3);
    void limiter.acquire('a', inTime(), 'other.example.org');
    await limiter.settled();
    expect(limiter.permits).toHaveLength(6);
  });

  it('are not waited for beyond the deadline, and the next caller gets its turn', async () => {
    const limiter = record({ concurrency: 1 });
    const caller = new AbortController();
    void limiter.acquire('a');
    void limiter.acquire('b', Deadline.after(10_000, caller.signal));
    void limiter.acquire('c');
    await limiter.settled();
    caller.abort();
    await limiter.settled();
    expect(limiter.rejections).toHaveLength(1);
    expect(limiter.rejections[0]).toBeInstanceOf(GitLabUnavailable);
    limiter.permits[0]?.permit.release();
    await limiter.settled();
    expect(limiter.callers()).toBe('ac');
  });
});

describe('a response that names a time', () => {
  it('pauses all requests, and rejects those that cannot wait with the time after which to try again', async () => {
    const limiter = record({ concurrency: 2 });
    void limiter.acquire('a');
    await limiter.settled();
    limiter.permits[0]?.permit.release(response(429, { 'retry-after': '1' }));
    const ended = performance.now();
    const patient = limiter.acquire('b');
    void limiter.acquire('c', Deadline.after(1_200));
    await limiter.settled();
    expect(limiter.callers()).toBe('a');
    expect(limiter.rejections[0]).toMatchObject({ name: 'GitLabUnavailable', retryAfterSeconds: 1 });
    await patient;
    expect((limiter.permits[1]?.at ?? 0) - ended).toBeGreaterThanOrEqual(999);
  });

  it('rejects requests that are waiting already', async () => {
    const limiter = record({ concurrency: 1 });
    void limiter.acquire('a');
    void limiter.acquire('b');
    await limiter.settled();
    limiter.permits[0]?.permit.release(response(503, { 'retry-after': '60' }));
    await limiter.settled();
    expect(limiter.rejections[0]).toMatchObject({ retryAfterSeconds: 60 });
  });

  it('pauses one caller only if GitLab limits the account', async () => {
    for (const name of ['throttle_authenticated_api', 'throttle_unauthenticated_api']) {
      const limiter = record();
      void limiter.acquire('a');
      await limiter.settled();
      limiter.permits[0]?.permit.release(response(429, { 'retry-after': '60', 'ratelimit-name': name }));
      void limiter.acquire('a');
      void limiter.acquire('b');
      await limiter.settled();
      expect(limiter.callers(), name).toBe('ab');
      expect(limiter.rejections, name).toHaveLength(1);
    }
  });

  it('can be a success that uses up the rate limit', async () => {
    const limiter = record();
    void limiter.acquire('a');
    await limiter.settled();
    const reset = String(Math.ceil(Date.now() / 1000) + 60);
    const headers = { 'ratelimit-name': 'throttle_authenticated_api', 'ratelimit-reset': reset };
    limiter.permits[0]?.permit.release(response(200, { ...headers, 'ratelimit-remaining': '1' }));
    void limiter.acquire('a');
    await limiter.settled();
    limiter.permits[1]?.permit.release(response(200, { ...headers, 'ratelimit-remaining': '0' }));
    void limiter.acquire('a');
    await limiter.settled();
    expect(limiter.permits).toHaveLength(2);
    expect(limiter.rejections).toHaveLength(1);
  });
});

describe('the number of concurrent requests', () => {
  /** Returns how many permits many callers get at once. */
  async function width(limiter: ReturnType<typeof record>): Promise<number> {
    const before = limiter.permits.length;
    for (let count = 0; count < 40; count++) void limiter.acquire(`w${count}`, Deadline.after(10_000));
    await limiter.settled();
    return limiter.permits.length - before;
  }

  it('is halved by an overload, once for all requests in flight, and never below two', async () => {
    const limiter = record({ concurrency: 16 });
    for (let count = 0; count < 4; count++) void limiter.acquire(`a${count}`);
    await limiter.settled();
    for (const { permit } of limiter.permits) permit.release(response(429));
    expect(await width(limiter)).toBe(8);

    const small = record({ concurrency: 3 });
    for (let round = 0; round < 3; round++) {
      void small.acquire('a');
      await small.settled();
      small.permits.at(-1)?.permit.release(response(502));
    }
    expect(await width(small)).toBe(2);
  });

  it('grows with each success up to the maximum', async () => {
    const limiter = record({ concurrency: 4, maxConcurrency: 6 });
    for (let round = 0; round < 40; round++) {
      void limiter.acquire('a');
      await limiter.settled();
      limiter.permits.at(-1)?.permit.release(response(200));
    }
    expect(await width(limiter)).toBe(6);
  });
});
