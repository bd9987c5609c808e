import { randomUUID } from 'node:crypto';
import type { SyncFolder, SyncFolderRequest, SyncOperation } from '../../../src/generated/agent-api.ts';

const counters = {
  uploaded: 0,
  downloaded: 0,
  deletedLocally: 0,
  deletedRemotely: 0,
  renamed: 0,
  conflicts: 0,
  bytes: 0,
};
const round = { startedAt: '2026-11-20T10:00:00.000Z', finishedAt: '2026-11-20T10:00:01.000Z', counters };

export const conflict: SyncFolder['status']['conflicts'][number] = {
  ...{ id: 'conflict-1', path: 'a.txt', kind: 'both-changed', copy: 'a (conflict remote).txt' },
  ...{ mine: { size: 1, modifiedAt: '2026-11-20T09:00:00.000Z' }, theirs: { size: 2, modifiedAt: null } },
  since: '2026-11-20T10:00:00.000Z',
};

export const notes: SyncFolder = {
  ...{ id: 'notes', path: 'notes', hasCredentials: true, intervalSeconds: 60, ignore: [] },
  remote: {
    ...{ name: 'My Nextcloud', type: 'webdav', path: 'Notes' },
    options: { url: 'https://cloud.example.org', user: 'ada' },
  },
  ...{ maxFileBytes: 1_000_000, backupSeconds: 3_600, bytesPerSecond: null, paused: false },
  backups: { session: '/work/.notebook-sessions/sync/notes/backup', remote: '.notebook-sessions-sync/backup' },
  status: {
    ...{ state: 'idle', lastRound: round, lastSuccessAt: round.startedAt, counters, error: null, suspension: null },
    ...{ conflicts: [conflict], conflictCount: 1, skipped: [], skippedCount: 0 },
  },
};

export const unusable = { id: 'old', message: 'The folder "old" is not synchronized: its settings are not known.' };

export const roundId = 'round-1';
const missing = (what: string) => ({
  status: 404,
  body: { error: { reason: 'not-found', message: `There is no synchronized ${what}.` } },
});

/** Returns the response of an agent with the folder `notes` to a request below `/v1/sync-folders`; undefined for other requests. */
export function syncResponse(
  method: string,
  path: string,
  body: unknown,
  podUid: string,
): { status: number; body?: object } | undefined {
  const [, id, noun, part] =
    /^\/v1\/sync-folders(?:\/([^/]+)(?:\/(sync|operations|conflicts)(?:\/([^/]+))?)?)?$/.exec(path) ?? [];
  if (!path.startsWith('/v1/sync-folders')) return undefined;
  if (id === undefined) return { status: 200, body: { folders: [notes], unusable: [unusable] } };
  if (method === 'PUT') {
    const { credentials: _, ...settings } = body as SyncFolderRequest;
    return { status: 201, body: { ...notes, ...settings, id } };
  }
  if (id !== notes.id) return missing('folder');
  const operation: SyncOperation = {
    ...{ id: part ?? roundId, podUid, folder: id, state: 'succeeded', version: 2 },
    ...{ createdAt: round.startedAt, finishedAt: round.finishedAt, result: round, error: null },
  };
  if (noun === 'sync')
    return { status: 202, body: { ...operation, id: randomUUID(), state: 'waiting', finishedAt: null, result: null } };
  if (noun === 'operations' && part === undefined)
    return { status: 200, body: { operations: [{ ...operation, id: roundId }] } };
  if (noun === 'operations')
    return part === roundId
      ? { status: 200, body: { ...operation, state: method === 'DELETE' ? 'cancelled' : 'succeeded' } }
      : missing('operation');
  if (noun === 'conflicts')
    return part === conflict.id
      ? { status: 200, body: { ...notes, status: { ...notes.status, conflicts: [], conflictCount: 0 } } }
      : missing('conflict');
  return method === 'DELETE' ? { status: 204 } : { status: 200, body: notes };
}
