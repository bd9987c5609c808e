import { expect, test } from 'vitest';
import { Deadline } from '../lib/deadline.ts';
import { createSharedAnswers } from './shared-answers.ts';

let time = 0;
const shared = () => createSharedAnswers<string>({ keepMs: 1000, maxKept: 2, now: () => time });
const always = () => true;
const soon = (owner?: AbortSignal) => Deadline.after(10_000, owner);

test('an answer is kept for its time, if it is usable for who asks; the oldest goes when there are too many', async () => {
  const answers = shared();
  let made = 0;
  const get = (key: string, usable = always) =>
    answers.get(key, {
      deadline: soon(),
      usable,
      make: async () => {
        made += 1;
        return `${key}${made}`;
      },
    });
  expect([await get('a'), await get('a')]).toEqual(['a1', 'a1']);
  expect(await get('a', () => false)).toBe('a2');
  time += 999;
  expect(await get('a')).toBe('a2');
  time += 1;
  expect(await get('a')).toBe('a3');
  await get('b');
  await get('c');
  expect([await get('c'), await get('b'), await get('a')]).toEqual(['c5', 'b4', 'a6']);
});

test('who asks at the same time shares; errors are shared and not kept', async () => {
  const answers = shared();
  let made = 0;
  const make = async () => {
    made += 1;
    await new Promise((resolve) => setImmediate(resolve));
    if (made === 1) throw new Error('trouble');
    return 'fine';
  };
  const get = () => answers.get('a', { deadline: soon(), usable: always, make });
  const first = await Promise.allSettled([get(), get(), get()]);
  expect(first.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(await Promise.all([get(), get()])).toEqual(['fine', 'fine']);
  expect(made).toBe(2);
});

test('the work ends when nobody waits for it any more, and not before', async () => {
  const answers = shared();
  let working: AbortSignal | undefined;
  const make = ({ signal }: Deadline) => {
    working = signal;
    return new Promise<string>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  };
  const callers = [new AbortController(), new AbortController()] as const;
  const waits = callers.map(({ signal }) => answers.get('a', { deadline: soon(signal), usable: always, make }));
  const [first, second] = waits.map((wait) => wait.catch((error: Error) => error.message));
  callers[0].abort(new Error('first gone'));
  expect(await first).toBe('first gone');
  expect(working?.aborted).toBe(false);
  callers[1].abort(new Error('second gone'));
  expect(await second).toBe('second gone');
  expect(working?.aborted).toBe(true);
  // Nobody joins what was given up.
  expect(await answers.get('a', { deadline: soon(), usable: always, make: async () => 'new' })).toBe('new');
});

test('who still has time begins anew when the time of who began is over', async () => {
  const answers = shared();
  let made = 0;
  const make = (deadline: Deadline) => {
    made += 1;
    if (made === 2) return Promise.resolve('late');
    return new Promise<string>((_resolve, reject) => {
      deadline.signal.addEventListener('abort', () => reject(new Error('the other side is not available')));
    });
  };
  const hasty = answers.get('a', { deadline: Deadline.after(50), usable: always, make });
  const patient = answers.get('a', { deadline: soon(), usable: always, make });
  await expect(hasty).rejects.toThrow(/not available|did not finish/);
  expect(await patient).toBe('late');
});
