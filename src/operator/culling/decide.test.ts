import { describe, expect, it } from 'vitest';
import type { CullingNotice } from '../../jupyter-server/culling-notice.ts';
import { type CullingInput, type CullingSettings, decideCulling } from './decide.ts';

const settings: CullingSettings = {
  checkIntervalMs: 300_000,
  idleCpuMillicores: 200,
  warningMs: 600_000,
  deleteUnsaved: false,
};

const now = Date.parse('2026-01-02T00:00:00Z');
const hour = 3_600_000;

/** What the owner has been told: by default, that the session is hibernated now, because it is not used. */
const told = (change: Partial<CullingNotice> = {}): CullingNotice => ({
  ...{ action: 'hibernate', reason: 'idle', at: new Date(now).toISOString() },
  ...change,
});

/** A running session on a claim that was used an hour ago, as its Jupyter server has just reported. Its owner has been told. */
function session(change: Partial<CullingInput> = {}): CullingInput {
  return {
    thresholds: { idleSecondsThreshold: 3_600 },
    state: 'running',
    startingSince: undefined,
    failedSince: undefined,
    hibernatedSince: undefined,
    jupyterStartedAt: now - 10 * hour,
    hasClaim: true,
    mayHaveRun: true,
    canSave: false,
    isSaved: false,
    saveFailedAt: undefined,
    told: told(),
    observation: { podUid: 'p', at: now, activity: { lastAt: now - hour, isActive: false }, failure: undefined },
    firstSavedAt: undefined,
    cpuMillicores: 0,
    lastActivity: now - hour,
    now,
    ...change,
  };
}

const usedAt = (lastAt: number, more: { isActive?: boolean; at?: number } = {}) => ({
  podUid: 'p',
  at: more.at ?? now,
  activity: { lastAt, isActive: more.isActive ?? false },
  failure: undefined,
});

const decide = (change: Partial<CullingInput> = {}, others: Partial<CullingSettings> = {}) =>
  decideCulling(session(change), { ...settings, ...others });

describe('a session that is not used', () => {
  it('is hibernated when its threshold is exceeded, and not before', () => {
    expect(decide().action).toEqual({ is: 'hibernate', reason: 'idle' });
    const at = new Date(now + 1_000).toISOString();
    const before = decide({
      ...{ observation: usedAt(now - hour + 1_000), lastActivity: now - hour + 1_000, told: told({ at }) },
    });
    expect(before).toMatchObject({ action: undefined, nextMs: 1_000 });
  });

  it('has a notice in the time before', () => {
    const lastUse = now - hour + 599_000;
    const at = new Date(now + 599_000).toISOString();
    const soon = decide({ observation: usedAt(lastUse), lastActivity: lastUse, told: told({ at }) });
    expect(soon.notice).toEqual({ action: 'hibernate', reason: 'idle', at });
    expect(soon.action).toBeUndefined();
    const early = decide({ told: undefined, observation: usedAt(lastUse + 2_000), lastActivity: lastUse + 2_000 });
    expect(early).toMatchObject({ notice: undefined, nextMs: 1_000 });
  });

  it('is not hibernated by an old observation, but read again', () => {
    const stale = decide({ observation: usedAt(now - hour, { at: now - 31_000 }) });
    expect(stale).toMatchObject({ action: undefined, isCheckDue: true });
    const short = { thresholds: { idleSecondsThreshold: 6 }, lastActivity: now - 9_000 };
    const at = now - 2_001;
    expect(decide({ ...short, observation: usedAt(now - 9_000, { at }) })).toMatchObject({ action: undefined });
    expect(decide({ ...short, observation: usedAt(now - 9_000) }).action).toBeDefined();
  });

  it('is read again after the first save, because its user may have returned during the save', () => {
    const saved = decide({ observation: usedAt(now - hour, { at: now - 2_000 }), firstSavedAt: now - 1_000 });
    expect(saved).toMatchObject({ action: undefined, isDue: true, isCheckDue: true });
    expect(decide({ firstSavedAt: now - 1_000 }).action).toEqual({ is: 'hibernate', reason: 'idle' });
    const returned = decide({ observation: usedAt(now, { isActive: true }), firstSavedAt: now - 1_000 });
    expect(returned).toMatchObject({ action: undefined, isDue: false });
  });

  it('without a claim gets a notice instead', () => {
    const { action, notice } = decide({ hasClaim: false });
    expect(action).toBeUndefined();
    expect(notice).toEqual({ action: 'none', reason: 'idle', at: new Date(now).toISOString() });
  });

  it.each([
    ['a busy kernel or a connection', { observation: usedAt(now - 9 * hour, { isActive: true }) }],
    ['more CPU usage than the limit', { cpuMillicores: 201 }],
    ['an unknown activity', { observation: { podUid: 'p', at: now, activity: undefined, failure: 'no response' } }],
    ['a threshold of 0', { thresholds: { idleSecondsThreshold: 0 } }],
    ['no threshold', { thresholds: {} }],
    ['a restart after its last use', { jupyterStartedAt: now - 1_000 }],
  ] as [string, Partial<CullingInput>][])('is not idle with %s', (_what, change) => {
    expect(decide(change)).toMatchObject({ action: undefined, notice: undefined, idleSince: undefined });
  });

  it('is not hibernated immediately after a long computation that Jupyter does not report', () => {
    const computing = decide({ cpuMillicores: 900, lastActivity: now - 5 * hour, observation: usedAt(now - 5 * hour) });
    expect(computing.lastActivity).toBe(now);
    const later = decide({
      now: now + 60_000,
      observation: usedAt(now - 5 * hour, { at: now + 60_000 }),
      lastActivity: now,
    });
    expect(later.action).toBeUndefined();
    const end = now + hour + settings.checkIntervalMs;
    const notice = told({ at: new Date(end).toISOString() });
    const idle = decide({
      ...{ now: end, observation: usedAt(now - 5 * hour, { at: end }), lastActivity: now, told: notice },
    });
    expect(idle.action).toEqual({ is: 'hibernate', reason: 'idle' });
  });

  it('causes one write of its last activity, and an active session a few per threshold', () => {
    expect(decide({ lastActivity: undefined }).lastActivity).toBe(now - hour);
    expect(decide().lastActivity).toBeUndefined();
    let [writes, stored] = [0, now];
    for (let minute = 5; minute <= 60; minute += 5) {
      const at = now + minute * 60_000;
      const { lastActivity } = decide({
        now: at,
        observation: usedAt(at, { at, isActive: true }),
        lastActivity: stored,
      });
      if (lastActivity !== undefined) [writes, stored] = [writes + 1, lastActivity];
    }
    expect(writes).toBe(12);
    const day = decideCulling(
      session({
        thresholds: { idleSecondsThreshold: 86_400 },
        observation: usedAt(now, { isActive: true }),
        lastActivity: now - 800_000,
      }),
      settings,
    );
    expect(day.lastActivity).toBeUndefined();
  });

  it('is read as soon as it runs, and then at the interval, which is shorter for a short threshold', () => {
    expect(decide({ observation: undefined })).toMatchObject({ isCheckDue: true, isPending: true });
    const recent = { observation: usedAt(now - 1_000, { at: now - 1_000 }), lastActivity: now - 1_000 };
    expect(decide(recent)).toMatchObject({ isCheckDue: false, nextMs: 299_000 });
    expect(decide({ ...recent, thresholds: { idleSecondsThreshold: 10 } })).toMatchObject({ nextMs: 4_000 });
    expect(decide({ observation: undefined, state: 'starting' })).toMatchObject({
      isCheckDue: false,
      nextMs: undefined,
    });
  });
});

describe('a session whose threshold is exceeded when the operator sees it first', () => {
  const input = { told: undefined, observation: usedAt(now - 9 * hour), lastActivity: now - 9 * hour };

  it('is announced, and ended only after the time of the warning', () => {
    const at = new Date(now + settings.warningMs).toISOString();
    const first = decide(input);
    expect(first).toMatchObject({ action: undefined, nextMs: 300_000 });
    expect(first.notice).toEqual(told({ at }));
    const later = (ms: number) =>
      decide({ ...input, told: first.notice, now: now + ms, observation: usedAt(now - 9 * hour, { at: now + ms }) });
    expect(later(1_000)).toMatchObject({ action: undefined, notice: { at } });
    expect(later(settings.warningMs - 1)).toMatchObject({ action: undefined, notice: { at }, nextMs: 1 });
    expect(later(settings.warningMs).action).toEqual({ is: 'hibernate', reason: 'idle' });
  });

  it('is ended after half of a threshold that is shorter than the warning', () => {
    const { action, notice, nextMs } = decide({ ...input, thresholds: { idleSecondsThreshold: 60 } });
    expect([action, notice?.at, nextMs]).toEqual([undefined, new Date(now + 30_000).toISOString(), 30_000]);
  });

  it('is announced again if the owner has been told another reason, another end, or an earlier time', () => {
    const at = new Date(now + settings.warningMs).toISOString();
    const recent = { lastActivity: now - hour, observation: usedAt(now - hour) };
    for (const known of [
      told({ reason: 'age' }),
      told({ action: 'none' }),
      // Before the last use.
      told({ at: new Date(now - 1).toISOString() }),
      // Of a threshold that was longer.
      told({ at: new Date(now + 5 * hour).toISOString() }),
    ]) {
      expect(decide({ ...recent, told: known })).toMatchObject({ action: undefined, notice: { at } });
    }
  });
});

describe('a session above its maximum age', () => {
  const old = { thresholds: { maxAgeSecondsThreshold: 36_000 }, observation: undefined, told: told({ reason: 'age' }) };

  it('is hibernated, also if it is used', () => {
    expect(decide(old).action).toEqual({ is: 'hibernate', reason: 'age' });
    const at = new Date(now + 1_000).toISOString();
    const notice = told({ reason: 'age', at });
    expect(decide({ ...old, jupyterStartedAt: now - 10 * hour + 1_000, told: notice })).toMatchObject({
      action: undefined,
      notice: { reason: 'age' },
      nextMs: 1_000,
    });
    expect(decide({ ...old, jupyterStartedAt: undefined }).action).toBeUndefined();
  });

  it('without a claim gets a notice instead', () => {
    expect(decide({ ...old, hasClaim: false })).toMatchObject({ action: undefined, notice: { action: 'none' } });
  });
});

describe('a session without a volume claim whose work can be saved', () => {
  it('is hibernated when its threshold is exceeded, unless a save has failed within the last day', () => {
    const input = { hasClaim: false, canSave: true };
    expect(decide(input).action).toEqual({ is: 'hibernate', reason: 'idle' });
    expect(decide({ ...input, saveFailedAt: now - 24 * hour + 1 })).toMatchObject({
      action: undefined,
      notice: { action: 'none' },
    });
    expect(decide({ ...input, saveFailedAt: now - 24 * hour }).action).toEqual({ is: 'hibernate', reason: 'idle' });
  });
});

describe('a session that does not run', () => {
  const thresholds = { startingSecondsThreshold: 60, failedSecondsThreshold: 60, hibernatedSecondsThreshold: 60 };
  const since = { startingSince: now - 60_000, failedSince: now - 60_000, hibernatedSince: now - 60_000 };
  const states = ['starting', 'failed', 'hibernated'] as const;

  it.each(states)('and has never run is deleted when it has been %s for too long', (state) => {
    const input = { thresholds, ...since, state, mayHaveRun: false, told: told({ action: 'delete', reason: state }) };
    expect(decide(input).action).toEqual({ is: 'delete', reason: state });
    expect(decide({ ...input, now: now - 1_000 })).toMatchObject({
      action: undefined,
      notice: { action: 'delete', reason: state },
      nextMs: 1_000,
    });
    expect(decide({ ...input, thresholds: {} }).action).toBeUndefined();
  });

  it.each(states)('and may have run is not deleted, unless this is configured: %s', (state) => {
    const input = { thresholds, ...since, state, told: told({ action: 'delete', reason: state }) };
    const { action, notice } = decide(input);
    expect([action, notice?.action]).toEqual([undefined, state === 'hibernated' ? 'none' : undefined]);
    expect(decide(input, { deleteUnsaved: true }).action).toEqual({ is: 'delete', reason: state });
  });

  it('is deleted if it was hibernated and all of its work was saved', () => {
    const input = { thresholds, ...since, isSaved: true, told: told({ action: 'delete', reason: 'hibernated' }) };
    expect(decide({ ...input, state: 'hibernated' }).action).toEqual({ is: 'delete', reason: 'hibernated' });
    expect(decide({ ...input, state: 'failed' }).action).toBeUndefined();
  });

  it('is not deleted for another state than its own: a running session was starting long ago', () => {
    for (const state of ['running', 'stopping'] as const) {
      expect(decide({ thresholds, ...since, state, mayHaveRun: false }).action).toBeUndefined();
    }
  });
});
