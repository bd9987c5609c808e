import { describe, expect, it } from 'vitest';
import { FairQueue } from './fair-queue.ts';

const taken = (queue: FairQueue): string[] => {
  const keys: string[] = [];
  for (let key = queue.take(); key !== undefined; key = queue.take()) keys.push(key);
  return keys;
};

describe('the fair queue', () => {
  it('returns one key of each owner in turn, and the keys of an owner in their order', () => {
    const queue = new FairQueue();
    for (let i = 0; i < 3; i += 1) queue.add(`a${i}`, 'ada');
    queue.add('b0', 'ben');
    queue.add('a0', 'ada');
    expect(queue.size).toBe(4);
    expect(queue.take()).toBe('a0');
    queue.add('c0', 'cleo');
    expect(taken(queue)).toEqual(['b0', 'a1', 'c0', 'a2']);
    expect(queue.size).toBe(0);
  });

  it('does not return a deleted key', () => {
    const queue = new FairQueue();
    queue.add('a', 'ada');
    queue.add('b', 'ada');
    queue.add('c', 'cleo');
    queue.delete('a');
    queue.delete('c');
    queue.delete('unknown');
    expect(taken(queue)).toEqual(['b']);
  });
});
