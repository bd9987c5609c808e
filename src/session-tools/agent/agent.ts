import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { createGit } from '../git-clone/git.ts';
import { nameEarlierSaves } from '../saves/earlier-saves.ts';
import { saveEnvironment } from '../saves/environment.ts';
import { SaveFailure, toSaveFailure } from '../saves/failure.ts';
import { fromText, type RepositoryPath, toText } from '../saves/paths.ts';
import { readRecovered, takeOverRecovered } from '../saves/recovered.ts';
import { textOf } from '../saves/repository.ts';
import { contextOf, type Saved, save } from '../saves/save.ts';
import { scanRepository } from '../saves/scan.ts';
import { removeStaleScratches } from '../saves/scratch.ts';
import { pushStored } from '../saves/stored.ts';
import { rememberTags } from '../saves/tags.ts';
import { readMemory, writePrivate } from '../saves/volume.ts';
import { describeWork } from '../saves/work.ts';
import { createApi } from './api.ts';
import { createAutomaticSnapshots } from './automatic-snapshots.ts';
import { saveFinally } from './final-save.ts';
import { putTokens, reportSaved } from './git-proxy.ts';
import { createHibernatedKernels, type HibernatedKernels } from './hibernated-kernels.ts';
import { maxConnections, serverLimits } from './http.ts';
import { createJsonRpc } from './json-rpc.ts';
import { findJupyter } from './jupyter.ts';
import { createOperations, type Operation, type RunSave } from './operations.ts';
import { createPusher } from './pusher.ts';
import type { AgentSettings } from './settings.ts';
import { createSnapshots } from './snapshots.ts';
import { createSupervisor } from './supervisor.ts';
import { createSupervisorStream } from './supervisor-stream.ts';
import { createRemotes } from './sync/rclone/remotes.ts';
import { startSync } from './sync/sync.ts';

/** Milliseconds after the owner's decision to end the session without a save: the end may not begin after all. */
const discardMs = 300_000;
const operationsFile = 'operations.json';
const snapshotsFile = 'snapshots.json';
const hibernatedFile = 'hibernated-kernels.json';
/** Milliseconds in which file sync may bring the last changes to its remotes before the last save. */
const lastRoundMs = 20_000;

export interface Agent {
  /** Saves for the last time, and ends the servers. Returns the save. */
  end(): Promise<Operation | undefined>;
}

/** Starts the agent: its two servers, and the push of saves that are on the volume. */
export async function startAgent(
  settings: AgentSettings,
  variables: Readonly<Record<string, string | undefined>>,
  log: (line: string) => void,
): Promise<Agent> {
  const { save: saveSettings, podUid } = settings;
  const { folder, directory, mayPush } = saveSettings;
  const stop = new AbortController();
  const environment = saveEnvironment(variables);
  const gitFor = (signal: AbortSignal) => createGit(environment, log, signal);
  const git = gitFor(stop.signal);
  await removeStaleScratches(folder);
  await rememberTags(git, folder, directory).catch((error: unknown) =>
    log(`The tags of the repository could not be read: ${error instanceof Error ? error.message : String(error)}`),
  );
  await takeOverRecovered(folder);

  /** Until when (`performance.now()`) the session may end without a save. */
  let discardedUntil = 0;
  const { identity } = settings.api;
  const sync =
    identity &&
    (await startSync({
      ...{ directory, folder, podUid, key: identity.key, now: Date.now, log },
      remotes: createRemotes({ settings: settings.rclone, sessionKey: identity.key, folder, variables, log }),
    }).catch((error: unknown) => {
      // Saves must work in any case.
      log(`Folders cannot be synchronized: ${String(error)}`);
      return undefined;
    }));
  /** Returns a function that returns whether a remote of file sync has a file. */
  const isSynced = () => {
    const synced = sync?.syncedFiles();
    // File sync skips names that are not UTF-8.
    return synced && ((path: RepositoryPath) => fromText(toText(path)) === path && synced(toText(path)));
  };
  let hibernated: HibernatedKernels | undefined;
  const run: RunSave = async (request, progress, signal) => {
    if (request.reason !== 'pre-stop') discardedUntil = 0;
    else if (performance.now() < discardedUntil)
      throw new SaveFailure('cancelled', 'The owner ends the session without a save.');
    // Before the final save ends the kernels.
    const isHibernation = request.reason === 'hibernate' || request.reason === 'cull';
    if (isHibernation && request.isFinal) await hibernated?.save(signal);
    const tools = { git: gitFor(signal), now: Date.now, progress };
    const { pushSeconds } = request;
    const until = pushSeconds === undefined ? undefined : performance.now() + pushSeconds * 1000;
    const remote = { ...saveSettings.remote, until };
    const saveNow = async (): Promise<Saved> => {
      const settingsNow = { ...saveSettings, remote, isSynced: isSynced() };
      if (!request.isFinal) return save(tools, settingsNow);
      const findKernels = () => findJupyter(settings);
      return saveFinally({ tools, settings: settingsNow, stop: signal, log, findJupyter: findKernels });
    };
    // What a remote has is not saved: so the remotes get the last changes first. Half of the time remains for the push.
    const roundMs = Math.min(lastRoundMs, (pushSeconds ?? Number.POSITIVE_INFINITY) * 500);
    if (request.isFinal) await sync?.runRounds(roundMs, signal);
    const saved = sync ? await sync.whilePaused(saveNow) : await saveNow();
    // The user may have the permission by now.
    if (!isEnding && saved.result.notSaved.some(({ reason }) => reason === 'earlier-save')) pushing.start();
    if (request.reason === 'pre-stop' && settings.gitProxyHealthPort !== undefined)
      await reportSaved(settings.gitProxyHealthPort, signal);
    return saved;
  };
  const operations = createOperations({
    podUid,
    run,
    now: Date.now,
    stored: await textOf(join(folder, operationsFile)),
    store: (text) => writePrivate(folder, operationsFile, text),
    log,
  });
  const scan = async () => {
    const [context, memory] = await Promise.all([contextOf(saveSettings), readMemory(folder)]);
    const found = await scanRepository(git, folder, directory, { ...context, isSynced: isSynced() });
    const recovered = await readRecovered(folder, memory);
    const earlierSaves = await nameEarlierSaves(folder);
    return describeWork(found, memory, { podUid, recovered, mayPush, earlierSaves, now: Date.now() });
  };
  let running: ReturnType<typeof scan> | undefined;
  /** Callers at the same time share one scan. */
  const getWork = () => {
    running ??= scan().finally(() => {
      running = undefined;
    });
    return running;
  };

  let isEnding = false;
  const pushing = createPusher((signal) => pushStored(gitFor(signal), saveSettings, log), log);
  const servers: Server[] = [];
  if (!identity)
    log('The session has no key: the service cannot use the agent, which saves at the end of the session.');
  const snapshotsFolder = join(folder, 'snapshots');
  const supervisor = createSupervisor(settings.supervisor, snapshotsFolder);
  const snapshots = createSnapshots({
    supervisor,
    stream: createSupervisorStream(settings.supervisor, snapshotsFolder),
    operations,
    // Without a key, no request is accepted.
    key: identity?.key ?? randomBytes(32),
    now: Date.now,
  });
  const automatic = createAutomaticSnapshots({
    snapshots,
    operations,
    supervisor,
    stored: await textOf(join(folder, snapshotsFile)),
    store: (text) => writePrivate(folder, snapshotsFile, text),
    log,
    stop: stop.signal,
  });
  hibernated = createHibernatedKernels({
    ...{ snapshots, operations, supervisor, log, stop: stop.signal },
    stored: await textOf(join(folder, hibernatedFile)),
    store: (text) => writePrivate(folder, hibernatedFile, text),
  });
  hibernated.restore().catch((error: unknown) => {
    if (!stop.signal.aborted) log(`The variables of the kernels were not restored: ${toSaveFailure(error).message}`);
  });
  const api = createApi({
    identity,
    operations,
    getWork,
    discard: () => {
      discardedUntil = performance.now() + discardMs;
      void pushing.end();
      for (const { id, kind } of operations.list()) if (kind === 'save') operations.cancel(id);
    },
    keep: () => {
      discardedUntil = 0;
      if (!isEnding) pushing.start();
    },
    putTokens: (body) => putTokens(settings.gitProxy, body),
    supervisor,
    snapshots: { snapshots, automatic },
    sync,
    now: Date.now,
    log,
  });
  servers.push(await listen(createServer(serverLimits, api), settings.api));
  const rpc = createJsonRpc({ settings, git, operations, log });
  servers.push(await listen(createServer(serverLimits, rpc), settings.rpc));
  pushing.start();

  return {
    async end() {
      isEnding = true;
      // The last save has everything, and must not wait for the git server twice.
      await pushing.end();
      const { id } = operations.save({ reason: 'pre-stop', isFinal: true });
      const operation = await operations.ended(id);
      // Without a save, the git proxy would wait for the whole grace period.
      if (!operation?.result && settings.gitProxyHealthPort !== undefined)
        await reportSaved(settings.gitProxyHealthPort, stop.signal);
      await sync?.end();
      stop.abort();
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
      return operation;
    },
  };
}

async function listen(server: Server, { host, port }: { host: string; port: number }): Promise<Server> {
  server.maxConnections = maxConnections;
  server.listen(port, host);
  await once(server, 'listening');
  return server;
}
