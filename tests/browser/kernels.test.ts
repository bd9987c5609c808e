import { expect, it } from 'vitest';
import type { Operation, SnapshotReport } from '../../src/generated/openapi.ts';
import { describeInChromium } from './chromium.ts';
import type { FakeResponse } from './fake-api.ts';
import { smallTargets, unnamedControls } from './page-checks.ts';
import { card, hostile, sessionsPage, soon } from './sessions-page.ts';

const kernel = {
  ...{ id: 'kernel-1', name: 'python3', path: 'notebooks/train.ipynb', state: 'idle', last_activity: null },
  ...{ connections: 1, memory_bytes: 50_000_000, cpu_seconds: 1, reason: null },
};
const snapshot = {
  ...{ id: '20261120T100000-1f0a7f0e', label: hostile, reason: 'user', size_bytes: 2_000_000, reused_bytes: 0 },
  ...{ created: new Date(Date.now() - 3 * 86_400_000).toISOString(), engine: 'namespace', pickler: 'dill' },
  ...{ python: 'CPython 3.12', frozen_ms: 12, variables: 3, not_saved_count: 1 },
  not_saved: [{ name: 'rows', type: 'generator', reason: 'TypeError: cannot pickle' }],
};
const operation: Operation = {
  ...{ id: 'operation-1', kind: 'snapshot', reason: 'user', state: 'waiting', finishedAt: null, result: null },
  ...{ createdAt: '2026-11-20T10:00:00.000Z', progress: { step: 'waiting', done: 0, total: null }, error: null },
  snapshot: { kernel_id: 'kernel-1', snapshot: null, duration_ms: null, skipped: null, restored: null },
};

describeInChromium('the kernels of a session', (browser) => {
  const site = sessionsPage(browser);

  /** Answers the requests about kernels. The returned values can be changed. */
  function fakeKernels() {
    const state = {
      report: {
        ...{ unavailable: null, snapshots: [snapshot], automatic: false, automatic_error: null },
        ...{ engines: [{ name: 'namespace', unavailable: null }], used_bytes: 1, quota_bytes: 2 },
      } as SnapshotReport,
      operation,
      /** Those of the session. */
      operations: [] as Operation[],
      requests: [] as string[],
    };
    const of = (body: unknown, status = 200): FakeResponse => ({ status, body });
    site.fake.intercept = (method, path) => {
      const [, rest] = /\/servers\/a\/(kernels.*|operations.*)$/.exec(path) ?? [];
      if (rest === undefined) return undefined;
      if (method !== 'GET') state.requests.push(`${method} ${rest}`);
      if (rest === 'kernels') return of({ unavailable: null, jupyter: null, kernels: [kernel] });
      if (rest === 'operations') return of({ operations: state.operations });
      if (rest.startsWith('operations/')) return of(state.operation);
      if (method === 'GET') return of(state.report);
      if (method === 'DELETE') {
        state.report = { ...state.report, snapshots: [] };
        return of(undefined, 204);
      }
      if (method === 'PATCH') {
        state.report = { ...state.report, automatic: !state.report.automatic };
        return of(state.report);
      }
      return of(state.operation, 202);
    };
    return state;
  }

  it('are shown with their snapshots, which are taken, restored after a question, deleted, and taken automatically', async () => {
    const state = fakeKernels();
    site.add('a');
    const page = await site.open();
    const shown = card(page, 'demo/first-light');
    await shown.getByRole('button', { name: /^Kernels/ }).click();
    await shown.getByText('train.ipynb', { exact: true }).waitFor(soon);
    await shown.getByText('idle, 50 MB').waitFor();
    await shown.getByText('3 days ago').waitFor();
    await shown.getByText('2 MB, 3 variables, 1 not saved').waitFor();
    await shown.getByText(hostile, { exact: true }).waitFor();
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.evaluate(smallTargets)).toEqual([]);
    expect(await page.evaluate(unnamedControls)).toEqual([]);

    await shown.getByRole('button', { name: 'Take a snapshot of train.ipynb' }).click();
    await shown.getByText('Waits for the end of a cell').waitFor(soon);
    const taken = { ...snapshot, id: '20261120T110000-1f0a7f0e', label: '' };
    state.report = { ...state.report, snapshots: [taken, snapshot] };
    const done = { step: 'done' as const, done: 0, total: null };
    const ended = { ...operation, state: 'succeeded' as const, finishedAt: '2026-11-20T11:00:00Z', progress: done };
    const of = operation.snapshot ?? { kernel_id: '', snapshot: null, duration_ms: 1, skipped: null, restored: null };
    state.operation = { ...ended, snapshot: { ...of, snapshot: taken } };
    await shown.getByText('The snapshot has 3 variables. Not saved: rows.').waitFor(soon);
    await expect.poll(() => shown.getByRole('button', { name: /^Restore/ }).count()).toBe(2);

    state.operation = {
      ...ended,
      kind: 'restore',
      state: 'failed',
      error: { reason: 'conflict', message: 'It is damaged.' },
    };
    await shown.getByRole('button', { name: `Restore the snapshot “${hostile}”` }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/The variables of train.ipynb become those of the snapshot/).waitFor();
    await dialog.getByText('Not in the snapshot: rows: TypeError: cannot pickle').waitFor();
    await dialog.getByRole('button', { name: 'Restore' }).click();
    await shown.getByText('It is damaged.', { exact: true }).waitFor(soon);

    await shown.getByLabel(/^Snapshot after each cell/).check();
    await expect.poll(() => state.report.automatic).toBe(true);
    await shown.getByRole('button', { name: `Delete the snapshot “${hostile}”` }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    await shown.getByRole('button', { name: `Delete the snapshot “${hostile}”` }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await expect.poll(() => shown.getByRole('button', { name: /^Restore/ }).count()).toBe(0);
    expect(state.requests).toEqual([
      'POST kernels/kernel-1/snapshots',
      `POST kernels/kernel-1/snapshots/${snapshot.id}/restore`,
      'PATCH kernels/kernel-1/snapshots',
      `DELETE kernels/kernel-1/snapshots/${snapshot.id}`,
    ]);
  });

  it('have the reason why no snapshot can be taken', async () => {
    const state = fakeKernels();
    const unavailable = 'Snapshots are for Python kernels, and this is a kernel for r.';
    state.report = { ...state.report, snapshots: [], engines: [{ name: 'namespace', unavailable }] };
    site.add('a');
    const page = await site.open();
    const shown = card(page, 'demo/first-light');
    await shown.getByRole('button', { name: /^Kernels/ }).click();
    await shown.getByText(`No snapshot can be taken. ${unavailable}`).waitFor(soon);
    expect(await shown.getByRole('button', { name: /^Take a snapshot/ }).count()).toBe(0);
  });

  it('show an operation that was begun before the page was loaded, and what a restore could not restore', async () => {
    const state = fakeKernels();
    const begun = { ...operation, kind: 'restore' as const };
    state.operations = [begun];
    state.operation = begun;
    site.add('a');
    const page = await site.open();
    const shown = card(page, 'demo/first-light');
    await shown.getByRole('button', { name: /^Kernels/ }).click();
    await shown.getByText('Waits for the end of a cell').waitFor(soon);
    const missing = { name: 'np', type: 'module', reason: 'ModuleNotFoundError: no numpy' };
    const restored = { frozen_ms: 1, restored: 2, removed: [], not_restored: [missing] };
    state.operation = {
      ...{ ...begun, state: 'succeeded', finishedAt: '2026-11-20T11:00:00Z' },
      snapshot: { kernel_id: 'kernel-1', snapshot: null, duration_ms: null, skipped: null, restored },
    };
    await shown.getByText('2 variables restored. Not restored: np (ModuleNotFoundError: no numpy).').waitFor(soon);
  });
});
