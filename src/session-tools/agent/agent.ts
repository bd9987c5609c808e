import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { createGit } from '../git-clone/git.ts';
import { saveEnvironment } from '../saves/environment.ts';
import { textOf } from '../saves/repository.ts';
import { type Saved, save } from '../saves/save.ts';
import { scanRepository } from '../saves/scan.ts';
import { removeStaleScratches } from '../saves/scratch.ts';
import { pushStored } from '../saves/stored.ts';
import { readMemory, takeOverRecovered, writePrivate } from '../saves/volume.ts';
import { describeWork } from '../saves/work.ts';
import { createApi } from './api.ts';
import { saveFinally } from './final-save.ts';
import { putTokens, reportSaved } from './git-proxy.ts';
import { maxConnections, serverLimits } from './http.ts';
import { createJsonRpc } from './json-rpc.ts';
import { createOperations, type Operation, type RunSave } from './operations.ts';
import type { AgentSettings } from './settings.ts';

const operationsFile = 'operations.json';

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
  const { save: saveSettings, podUid, jupyterUrl } = settings;
  const { folder, directory, mayPush } = saveSettings;
  const stop = new AbortController();
  const environment = saveEnvironment(variables);
  const gitFor = (signal: AbortSignal) => createGit(environment, log, signal);
  const git = gitFor(stop.signal);
  await removeStaleScratches(folder);
  await takeOverRecovered(folder);

  const run: RunSave = async (request, progress, signal) => {
    const tools = { git: gitFor(signal), now: Date.now, progress };
    const saved: Saved = request.isFinal
      ? await saveFinally({ tools, settings: saveSettings, jupyterUrl, stop: signal, log })
      : await save(tools, saveSettings);
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
    const [found, memory] = await Promise.all([scanRepository(git, folder, directory), readMemory(folder)]);
    return describeWork(found, memory, { podUid, mayPush, now: Date.now() });
  };
  let running: ReturnType<typeof scan> | undefined;
  /** Callers at the same time share one scan. */
  const getWork = () => {
    running ??= scan().finally(() => {
      running = undefined;
    });
    return running;
  };

  const servers: Server[] = [];
  const { identity } = settings.api;
  if (!identity)
    log('The session has no key: the service cannot use the agent, which saves at the end of the session.');
  const api = createApi({
    identity,
    operations,
    getWork,
    putTokens: (body) => putTokens(settings.gitProxy, body),
    now: Date.now,
    log,
  });
  servers.push(await listen(createServer(serverLimits, api), settings.api));
  const rpc = createJsonRpc({ settings, git, operations, log });
  servers.push(await listen(createServer(serverLimits, rpc), settings.rpc));
  const pushed = pushStored(git, saveSettings, log).catch((error: unknown) =>
    log(`The saves on the volume could not be pushed: ${error instanceof Error ? error.message : String(error)}`),
  );

  return {
    async end() {
      await pushed;
      const { id } = operations.save({ reason: 'pre-stop', isFinal: true });
      const operation = await operations.ended(id);
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
