import { describe, expect, it } from 'vitest';
import { readActivity } from './activity.ts';

const now = Date.parse('2026-01-02T00:00:00Z');
const at = (minutes: number) => new Date(now - minutes * 60_000).toISOString();
const status = { started: at(600), last_activity: at(60), connections: 0, kernels: 3 };

describe('the activity of a Jupyter server', () => {
  it('is its last activity, and that of its terminals', () => {
    const read = (terminals: unknown) => readActivity({ status, kernels: [], terminals }, now)?.lastAt;
    expect(read(undefined)).toBe(now - 60 * 60_000);
    expect(
      read([
        { name: '1', last_activity: at(5) },
        { name: '2', last_activity: at(50) },
      ]),
    ).toBe(now - 5 * 60_000);
  });

  it('includes busy kernels and connections, and not the number of kernels', () => {
    const active = (change: object, kernels: unknown = []) =>
      readActivity({ status: { ...status, ...change }, kernels, terminals: [] }, now)?.isActive;
    expect(active({})).toBe(false);
    expect(active({ connections: 1 })).toBe(true);
    expect(active({ connections: -1 })).toBe(false);
    expect(active({}, [{ execution_state: 'idle' }, { execution_state: 'starting' }])).toBe(false);
    expect(active({}, [{ execution_state: 'idle' }, { execution_state: 'busy' }])).toBe(true);
  });

  it('is unknown without a time, and never in the future', () => {
    expect(readActivity({ status: {}, kernels: [], terminals: [] }, now)).toBeUndefined();
    expect(readActivity({ status: { last_activity: at(-60) }, kernels: [], terminals: [] }, now)?.lastAt).toBe(now);
  });

  it('ignores values of other types', () => {
    const hostile = { started: 5, last_activity: 'x'.repeat(100), connections: '9' };
    expect(
      readActivity({ status: hostile, kernels: 'busy', terminals: { last_activity: at(0) } }, now),
    ).toBeUndefined();
    const items = [null, 7, 'busy', { execution_state: ['busy'], last_activity: {} }];
    expect(readActivity({ status, kernels: items, terminals: items }, now)).toEqual({
      lastAt: now - 60 * 60_000,
      isActive: false,
    });
    expect(readActivity({ status: [status], kernels: [], terminals: [] }, now)).toBeUndefined();
  });
});
