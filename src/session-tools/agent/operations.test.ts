import { describe, expect, it } from 'vitest';
import { createOperations } from './operations.ts';

const result = { location: 'none', branch: null, commit: null, isVerified: true, files: 0, commits: 0 } as const;

describe('the saves that an agent knows', () => {
  it('are those of its pod: a save with the id of one in an earlier pod runs again', async () => {
    let stored: string | undefined;
    let runs = 0;
    const inPod = (podUid: string) =>
      createOperations({
        ...{ podUid, stored, now: Date.now, log: () => undefined },
        run: async () => {
          runs += 1;
          return { result: { ...result, changedMeanwhile: [], notSaved: [] }, failure: null };
        },
        store: async (text) => {
          stored = text;
        },
      });
    const request = { id: 'same', reason: 'stop', isFinal: true } as const;
    const save = async (podUid: string) => {
      const operations = inPod(podUid);
      operations.save(request);
      const { state, podUid: by } = (await operations.ended('same')) ?? {};
      await expect.poll(() => stored).toContain('"finishedAt":"');
      return { state, by, count: operations.list().length };
    };
    expect(await save('pod-1')).toEqual({ state: 'succeeded', by: 'pod-1', count: 1 });
    expect([await save('pod-1'), runs]).toEqual([{ state: 'succeeded', by: 'pod-1', count: 1 }, 1]);
    expect([await save('pod-2'), runs]).toEqual([{ state: 'succeeded', by: 'pod-2', count: 1 }, 2]);
  });

  it('are kept while many snapshots are taken, and of each kind the newest', async () => {
    let stored: string | undefined;
    const create = () =>
      createOperations({
        ...{ podUid: 'pod', stored, now: Date.now, log: () => undefined },
        run: async () => ({ result: { ...result, changedMeanwhile: [], notSaved: [] }, failure: null }),
        store: async (text) => {
          stored = text;
        },
      });
    const operations = create();
    operations.save({ id: 'final', reason: 'stop', isFinal: true });
    await operations.ended('final');
    const empty = { kernel_id: 'k', snapshot: null, duration_ms: null, skipped: null, restored: null };
    const ids: string[] = [];
    for (const kind of ['snapshot', 'restore'] as const)
      for (let count = 0; count < 60; count++) {
        const { id } = operations.begin({ kind, reason: 'user', kernelId: 'k', run: async () => empty });
        await operations.ended(id);
        ids.push(id);
      }
    const kept = [...ids.slice(110).reverse(), ...ids.slice(40, 60).reverse(), 'final'];
    expect(operations.list().map(({ id }) => id)).toEqual(kept);
    await expect
      .poll(() =>
        create()
          .list()
          .map(({ id }) => id),
      )
      .toEqual(kept);
  });
});
