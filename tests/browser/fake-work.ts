import { setTimeout as sleep } from 'node:timers/promises';
import express, { type Router } from 'express';
import { ApiError, errorKind } from '../../src/errors.ts';
import type {
  AutosaveContent,
  AutosaveResponse,
  Operation,
  SessionWork,
  SyncFolder,
} from '../../src/generated/openapi.ts';
import { defaultTiming, type ServerSentEvent, sendEvents } from '../../src/lib/server-sent-events.ts';
import { endOf } from '../../src/pipeline/event-stream.ts';
import { cleanWork } from '../support/session-agent/fake-agent.ts';
import { notes } from '../support/session-agent/fake-sync.ts';

/** The work in the sessions of the fake API, their saves, and autosaves. A test sets and changes them. */
export interface FakeWork {
  /** By session; `noWork` by default. */
  readonly work: Map<string, SessionWork>;
  /** The newest first. */
  readonly operations: Operation[];
  /** The synchronized folders by session; none by default. */
  readonly folders: Map<string, SyncFolder[]>;
  /** Folders of all sessions that cannot be synchronized. */
  readonly unusableFolders: { id: string; message: string }[];
  /** By project. */
  readonly autosaves: Map<string, AutosaveResponse[]>;
  /** By name of the autosave. */
  readonly contents: Map<string, AutosaveContent>;
}

const noAgent = {
  reason: 'no-agent' as const,
  message: 'This session has no agent that could show or save its work.',
};
export const noWork: SessionWork = { savesOnStop: false, whyNotSaved: noAgent, unavailable: noAgent, work: null };

/** Returns the response for a session with an agent. */
export const fakeWork = (
  work: Partial<NonNullable<SessionWork['work']>> = {},
  more: Partial<SessionWork> = {},
): SessionWork => ({
  savesOnStop: true,
  whyNotSaved: null,
  unavailable: null,
  work: { ...cleanWork, autosaves: [], isClean: Object.keys(work).length === 0, ...work },
  ...more,
});

export const createFakeWork = (): FakeWork => ({
  work: new Map(),
  operations: [],
  folders: new Map(),
  unusableFolders: [],
  autosaves: new Map(),
  contents: new Map(),
});

/** Returns the routes of the work, of saves and of autosaves. */
export function fakeWorkRoutes(fake: FakeWork): Router {
  const router = express.Router();
  const operation = (id: string) => {
    const found = fake.operations.find((each) => each.id === id);
    if (!found) throw new ApiError(errorKind.missing, 'There is no such operation.');
    return found;
  };

  router.get('/servers/:name/sync-folders', (req, res) => {
    const folders = fake.folders.get(req.params.name);
    const unusable = fake.unusableFolders;
    res.json({
      unavailable: folders ? null : noAgent,
      folders: folders ?? [],
      unusable,
      remoteTypes: ['webdav', 's3', 'sftp'],
    });
  });
  router.put('/servers/:name/sync-folders/:id', (req, res) => {
    const { credentials: _, ...settings } = req.body;
    const { name, id } = req.params;
    const others = (fake.folders.get(name) ?? []).filter((folder) => folder.id !== id);
    const made = { ...notes, ...settings, id, status: { ...notes.status, conflicts: [], conflictCount: 0 } };
    if (made.paused) made.status.state = 'paused';
    fake.folders.set(name, [...others, made]);
    res.json(made);
  });
  router.delete('/servers/:name/sync-folders/:id', (req, res) => {
    const { name, id } = req.params;
    fake.folders.set(
      name,
      (fake.folders.get(name) ?? []).filter((folder) => folder.id !== id),
    );
    fake.unusableFolders.splice(0);
    res.status(204).end();
  });
  router.post('/servers/:name/sync-folders/:id/sync', (req, res) => {
    const created = {
      state: 'waiting',
      createdAt: new Date().toISOString(),
      finishedAt: null,
      result: null,
      error: null,
    };
    res.status(202).json({ id: 'round-1', folder: req.params.id, ...created });
  });
  router.post('/servers/:name/sync-folders/:id/conflicts/:conflict', (req, res) => {
    const folders = (fake.folders.get(req.params.name) ?? []).map((folder) => {
      const conflicts = folder.status.conflicts.filter(({ id }) => id !== req.params.conflict);
      return { ...folder, status: { ...folder.status, conflicts, conflictCount: conflicts.length } };
    });
    fake.folders.set(req.params.name, folders);
    res.json(folders.find(({ id }) => id === req.params.id));
  });
  router.get('/servers/:name/work', (req, res) => void res.json(fake.work.get(req.params.name) ?? noWork));
  router.post('/servers/:name/save', (_req, res) => {
    const made: Operation = {
      ...{ id: `save-${fake.operations.length + 1}`, kind: 'save', reason: 'user', state: 'running' },
      ...{ createdAt: new Date().toISOString(), finishedAt: null, result: null, error: null },
      progress: { step: 'scanning', done: 0, total: null },
    };
    fake.operations.unshift(made);
    res.status(202).json(made);
  });
  router.get('/servers/:name/operations', (_req, res) => void res.json({ operations: fake.operations }));
  router.get('/servers/:name/operations/:id', async (req, res) => {
    const { id } = req.params;
    const found = operation(id);
    if (!req.get('Accept')?.includes('text/event-stream')) return void res.json(found);
    const timing = { ...defaultTiming, stopping: new AbortController().signal };
    await sendEvents(res, (gone) => changesOf(() => operation(id), gone), timing);
  });
  router.delete('/servers/:name/operations/:id', (req, res) => {
    const found = operation(req.params.id);
    Object.assign(found, { state: 'cancelled', finishedAt: new Date().toISOString() });
    res.json(found);
  });

  router.get('/:project/autosave', (req, res) => {
    res.json({ pvsSupport: true, autosaves: fake.autosaves.get(req.params.project) ?? [] });
  });
  router.get('/:project/autosave/:name', (req, res) => {
    const content = fake.contents.get(req.params.name);
    if (!content) throw new ApiError(errorKind.missing, 'There is no such autosave.');
    res.json(content);
  });
  router.delete('/:project/autosave/:name', (req, res) => {
    const { project, name } = req.params;
    fake.autosaves.set(
      project,
      (fake.autosaves.get(project) ?? []).filter((each) => each.name !== name),
    );
    res.status(204).end();
  });
  return router;
}

/** Yields the operation after each change, until it has ended. */
async function* changesOf(current: () => Operation, gone: AbortSignal): AsyncGenerator<ServerSentEvent[]> {
  let sent = '';
  while (!gone.aborted) {
    const operation = current();
    const data = JSON.stringify(operation);
    if (data !== sent) yield [{ event: 'operation', data }];
    sent = data;
    if (operation.finishedAt !== null) return yield [endOf('finished', 'The operation has ended.')];
    await sleep(20);
  }
}
