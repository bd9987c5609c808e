import { describe, expect, it } from 'vitest';
import { instantOf } from './instant.ts';
import { Numbering } from './position.ts';
import { LineRing } from './ring.ts';

const at = (second: number): string => instantOf(second * 1_000);

/** Returns a ring with one line for each of these seconds. */
function ringOf(seconds: number[], limit?: number): LineRing {
  const ring = new LineRing(limit);
  const numbering = new Numbering();
  for (const second of seconds) {
    const instant = at(second);
    ring.push('c', { time: null, instant, text: `at ${second}`, isCut: false }, numbering.next(instant));
  }
  return ring;
}

describe('the newest lines', () => {
  it('are found by a number of lines, a timestamp or a position', () => {
    const ring = ringOf([1, 2, 2, 2, 3]);
    const from = (start: Parameters<LineRing['find']>[0]): number => ring.find(start).from;
    expect(from({ tail: 0, since: undefined })).toBe(5);
    expect(from({ tail: 2, since: undefined })).toBe(3);
    expect(from({ tail: 99, since: undefined })).toBe(0);
    expect(from({ tail: 99, since: at(2) })).toBe(1);
    expect(from({ tail: 2, since: at(2) })).toBe(3);
    expect(from({ tail: 99, since: at(4) })).toBe(5);
    expect(from({ after: { at: at(2), ordinal: 1 } })).toBe(3);
    expect(from({ after: { at: at(0), ordinal: 0 } })).toBe(0);
    expect(from({ after: { at: at(9), ordinal: 0 } })).toBe(5);
  });

  it('stay within the limit, and the ring reports that earlier lines are needed', () => {
    const seconds = Array.from({ length: 100 }, (_, index) => index);
    const ring = ringOf(seconds, 1_000);
    expect(ring.next).toBe(100);
    expect(ring.first).toBeGreaterThan(50);
    expect(ring.get(ring.first - 1)).toBeUndefined();
    let held = 0;
    for (let number = ring.first; number < ring.next; number += 1) held += ring.get(number)?.data.length ?? 0;
    expect(held).toBeLessThanOrEqual(1_000);
    const count = ring.next - ring.first;
    const needsEarlierLines = (start: Parameters<LineRing['find']>[0]): boolean => ring.find(start).needsEarlierLines;
    expect(needsEarlierLines({ tail: count, since: undefined })).toBe(false);
    expect(needsEarlierLines({ tail: count + 1, since: undefined })).toBe(true);
    expect(needsEarlierLines({ tail: 1_000, since: at(99) })).toBe(false);
    expect(needsEarlierLines({ tail: 1_000, since: at(5) })).toBe(true);
    expect(needsEarlierLines({ after: { at: at(5), ordinal: 0 } })).toBe(true);
    expect(needsEarlierLines({ after: { at: at(ring.first), ordinal: 0 } })).toBe(false);
    expect(ringOf(seconds).find({ tail: 1_000, since: undefined }).needsEarlierLines).toBe(false);
  });

  it('include one line that is larger than the limit', () => {
    const ring = ringOf([1, 2], 5);
    expect([ring.first, ring.next]).toEqual([1, 2]);
    expect(ring.get(1)?.data).toContain('at 2');
  });

  it('do not include lines with unknown ordinals, unless there are no others', () => {
    const ring = ringOf([1, 1, 2]);
    ring.cut(at(1));
    expect([ring.first, ring.isWhole]).toEqual([2, false]);
    const same = ringOf([1, 1]);
    same.cut(at(1));
    expect([same.first, same.isWhole]).toEqual([0, false]);
  });
});
