import { describe, expect, it } from 'vitest';
import { Deadline } from '../../lib/deadline.ts';
import { createPace, type Turn } from './pace.ts';
import { GitLabUnavailable } from './types.ts';

const host = 'gitlab.example.org';
const soon = () => Deadline.after(10_000);
const answer = (status: number, headers: Record<string, string> = {}) => ({
  status,
  headers: new Headers(headers),
  retryAfterSeconds: headers['retry-after'] === undefined ? undefined : Number(headers['retry-after']),
});

/** Asks for turns; says who got one, in order. */
function queue(options: Parameters<typeof createPace>[0] = {}) {
  const pace = createPace(options);
  const got: { caller: string; turn: Turn; at: number }[] = [];
  const refused: unknown[] = [];
  return {
    got,
    refused,
    callers: () => got.map(({ caller }) => caller).join(''),
    ask(caller: string, deadline = soon(), at = host) {
      return pace.turn(at, caller, deadline).then(
        (turn) => void got.push({ caller, turn, at: performance.now() }),
        (error: unknown) => void refused.push(error),
      );
    },
    /** What can be decided at once has been. */
    settled: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

describe('turns', () => {
  it('go round, so that nobody’s hundred requests are before somebody’s one', async () => {
    const q = queue({ concurrency: 1, maxConcurrency: 1 });
    for (let count = 0; count < 4; count++) void q.ask('a');
    for (const caller of ['b', 'c']) void q.ask(caller);
    for (let step = 0; step < 6; step++) {
      await q.settled();
      q.got[step]?.turn.end(answer(200));
    }
    expect(q.callers()).toBe('aabcaa');
  });

  it('are limited for one caller and for all, at each GitLab by itself', async () => {
    const q = queue({ concurrency: 5, perCaller: 3 });
    for (let count = 0; count < 4; count++) for (const caller of ['a', 'b']) void q.ask(caller);
    await q.settled();
    expect(q.got).toHaveLength(5);
    expect(q.callers().replaceAll('b', '').length).toBeLessThanOrEqual(3);
    void q.ask('a', soon(), 'other.example.org');
    await q.settled();
    expect(q.got).toHaveLength(6);
  });

  it('are given up with their deadline, and what comes after is not kept waiting', async () => {
    const q = queue({ concurrency: 1 });
    const caller = new AbortController();
    void q.ask('a');
    void q.ask('b', Deadline.after(10_000, caller.signal));
    void q.ask('c');
    await q.settled();
    caller.abort();
    await q.settled();
    expect(q.refused).toHaveLength(1);
    expect(q.refused[0]).toBeInstanceOf(GitLabUnavailable);
    q.got[0]?.turn.end();
    await q.settled();
    expect(q.callers()).toBe('ac');
  });
});

describe('an answer that names a time', () => {
  it('keeps everybody back, and those who cannot wait are told when to come back', async () => {
    const q = queue({ concurrency: 2 });
    void q.ask('a');
    await q.settled();
    q.got[0]?.turn.end(answer(429, { 'retry-after': '1' }));
    const ended = performance.now();
    const patient = q.ask('b');
    void q.ask('c', Deadline.after(1_200));
    await q.settled();
    expect(q.callers()).toBe('a');
    expect(q.refused[0]).toMatchObject({ name: 'GitLabUnavailable', retryAfterSeconds: 1 });
    await patient;
    expect((q.got[1]?.at ?? 0) - ended).toBeGreaterThanOrEqual(999);
  });

  it('tells those who wait already', async () => {
    const q = queue({ concurrency: 1 });
    void q.ask('a');
    void q.ask('b');
    await q.settled();
    q.got[0]?.turn.end(answer(503, { 'retry-after': '60' }));
    await q.settled();
    expect(q.refused[0]).toMatchObject({ retryAfterSeconds: 60 });
  });

  it('concerns the account alone where GitLab says that the limit is the account’s', async () => {
    for (const name of ['throttle_authenticated_api', 'throttle_unauthenticated_api']) {
      const q = queue();
      void q.ask('a');
      await q.settled();
      q.got[0]?.turn.end(answer(429, { 'retry-after': '60', 'ratelimit-name': name }));
      void q.ask('a');
      void q.ask('b');
      await q.settled();
      expect(q.callers(), name).toBe('ab');
      expect(q.refused, name).toHaveLength(1);
    }
  });

  it('may be a success that was the last one', async () => {
    const q = queue();
    void q.ask('a');
    await q.settled();
    const reset = String(Math.ceil(Date.now() / 1000) + 60);
    const headers = { 'ratelimit-name': 'throttle_authenticated_api', 'ratelimit-reset': reset };
    q.got[0]?.turn.end(answer(200, { ...headers, 'ratelimit-remaining': '1' }));
    void q.ask('a');
    await q.settled();
    q.got[1]?.turn.end(answer(200, { ...headers, 'ratelimit-remaining': '0' }));
    void q.ask('a');
    await q.settled();
    expect(q.got).toHaveLength(2);
    expect(q.refused).toHaveLength(1);
  });
});

describe('the number of requests at the same time', () => {
  /** How many turns are given of the many that are asked for. */
  async function width(q: ReturnType<typeof queue>): Promise<number> {
    const before = q.got.length;
    for (let count = 0; count < 40; count++) void q.ask(`w${count}`, Deadline.after(10_000));
    await q.settled();
    return q.got.length - before;
  }

  it('is halved by a refusal, once for all that were under way, and never below two', async () => {
    const q = queue({ concurrency: 16 });
    for (let count = 0; count < 4; count++) void q.ask(`a${count}`);
    await q.settled();
    for (const { turn } of q.got) turn.end(answer(429));
    expect(await width(q)).toBe(8);

    const small = queue({ concurrency: 3 });
    for (let round = 0; round < 3; round++) {
      void small.ask('a');
      await small.settled();
      small.got.at(-1)?.turn.end(answer(502));
    }
    expect(await width(small)).toBe(2);
  });

  it('grows with success up to the most', async () => {
    const q = queue({ concurrency: 4, maxConcurrency: 6 });
    for (let round = 0; round < 40; round++) {
      void q.ask('a');
      await q.settled();
      q.got.at(-1)?.turn.end(answer(200));
    }
    expect(await width(q)).toBe(6);
  });
});
