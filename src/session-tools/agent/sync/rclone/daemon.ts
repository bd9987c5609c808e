import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBackOff } from '../../../../lib/back-off.ts';
import { orAborted } from '../../../../lib/deadline.ts';
import { asObject, type JsonObject, parseJson } from '../../../../lib/json.ts';
import { sleep } from '../../../../lib/sleep.ts';
import { RemoteError } from '../remote.ts';
import { readEntries } from './entries.ts';
import { RcloneFailure } from './failure.ts';

const startMs = 30_000;
const stopMs = 5_000;
const idleMs = 60_000;
/** A process that has run for this time has started successfully: the back-off begins anew. */
const healthyMs = 30_000;
const maxResponseBytes = 1024 * 1024;
const maxListingBytes = 256 * 1024 * 1024;
const maxLogLine = 500;
/** The path of a Unix socket has at most 107 bytes. */
const maxFolderBytes = 80;

export interface RcloneOptions {
  /** Returns the path of the program, after its installation where necessary. Throws with the reason. */
  readonly program: () => Promise<string>;
  /** The forward proxy, with its key. */
  readonly proxyUrl: string;
  /** The variables of the agent; rclone gets a few of them. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly log: (line: string) => void;
  /** For tests. */
  readonly idleMs?: number;
}

export interface CallOptions {
  readonly signal: AbortSignal;
  /** Milliseconds until the end of the call. */
  readonly limitMs: number;
}

/** A running `rclone rcd`. */
export interface RcloneProcess {
  /** Differs from those of all other processes: a new process knows no remotes. */
  readonly number: number;
  readonly pid: number;
  /** Calls a function of rclone, for example `operations/stat`. Throws RcloneFailure, and the reason of the signal. */
  call(path: string, parameters: object, options: CallOptions): Promise<JsonObject>;
  /** Calls `operations/list`, and returns the entries in groups as they arrive. Throws as `call`. */
  list(parameters: object, options: CallOptions): AsyncIterable<JsonObject[]>;
}

/** Starts `rclone rcd` when it is needed, and ends it when it has been idle for a minute. */
export interface Rclone {
  /** Returns the process, which does not end until it is disposed of, unless it crashes. Throws RcloneFailure if it does not start. */
  acquire(signal: AbortSignal): Promise<RcloneProcess & Disposable>;
  /** Returns the number of the process; undefined if none runs. */
  current(): number | undefined;
  /** Ends the process. */
  close(): Promise<void>;
}

interface Running extends RcloneProcess {
  readonly child: ChildProcess;
  readonly folder: string;
  readonly startedAt: number;
  /** How the process ended; undefined while it runs. */
  end: string | undefined;
}

export function createRclone(options: RcloneOptions): Rclone {
  const { log } = options;
  const backOff = createBackOff({ firstMs: 1_000, maxMs: 60_000 });
  let running: Running | undefined;
  let starting: Promise<Running> | undefined;
  let users = 0;
  let timer: NodeJS.Timeout | undefined;
  let count = 0;
  /** `performance.now()` before which a process that ended unexpectedly is not started again. */
  let notBefore = 0;
  const closed = new AbortController();

  async function start(): Promise<Running> {
    await sleep(Math.max(0, notBefore - performance.now()), closed.signal);
    closed.signal.throwIfAborted();
    try {
      const started = await startProcess(options, ++count, closed.signal, (ended) => {
        if (running !== ended) return;
        running = undefined;
        if (performance.now() - ended.startedAt > healthyMs) backOff.reset();
        notBefore = performance.now() + backOff.next();
        log(`rclone ended unexpectedly (${ended.end}). It is started again when a folder is due.`);
      });
      running = started;
      return started;
    } catch (error) {
      notBefore = performance.now() + backOff.next();
      throw error;
    }
  }

  const get = async (): Promise<Running> => {
    if (running) return running;
    starting ??= start().finally(() => {
      starting = undefined;
    });
    return await starting;
  };

  async function end(): Promise<void> {
    const ending = running;
    running = undefined;
    if (ending) await stopProcess(ending);
  }

  const release = () => {
    users--;
    if (users > 0 || closed.signal.aborted) return;
    timer = setTimeout(() => {
      end().catch((error: unknown) => log(`rclone could not be ended: ${String(error)}`));
    }, options.idleMs ?? idleMs);
    timer.unref();
  };

  return {
    async acquire(signal) {
      clearTimeout(timer);
      users++;
      try {
        signal.throwIfAborted();
        // A start can wait for an installation or the back-off.
        const { number, pid, call, list } = await orAborted(get(), signal);
        return { number, pid, call, list, [Symbol.dispose]: release };
      } catch (error) {
        release();
        throw error;
      }
    },
    current: () => running?.number,
    async close() {
      closed.abort();
      clearTimeout(timer);
      await starting?.catch(() => undefined);
      await end();
    },
  };
}

/**
 * Returns the variables of rclone: those of the network's certificates, and the marker of the local platform, by which it ends all
 * processes of a pod. Not RCLONE_..., with which the user's environment could configure it, and no proxies.
 */
function variablesOf(variables: RcloneOptions['variables'], folder: string): Record<string, string> {
  const kept: Record<string, string> = {
    HOME: folder,
    TMPDIR: folder,
    GOMEMLIMIT: '200MiB',
    PATH: '/usr/local/bin:/usr/bin:/bin',
  };
  for (const name of ['SSL_CERT_FILE', 'SSL_CERT_DIR', 'NOTEBOOK_SESSIONS_POD']) {
    const value = variables[name];
    if (value) kept[name] = value;
  }
  return kept;
}

async function startProcess(
  { program, proxyUrl, variables, log }: RcloneOptions,
  number: number,
  stop: AbortSignal,
  onEnd: (process: Running) => void,
): Promise<Running> {
  const path = await program();
  const parent = Buffer.byteLength(tmpdir()) > maxFolderBytes ? '/tmp' : tmpdir();
  // 0700: only this user reaches the socket. On a cluster, the folder is in the container of the agent.
  const folder = await mkdtemp(join(parent, 'notebook-sessions-rclone-'));
  const socketPath = join(folder, 'rc');
  const args = [
    ...['rcd', '--rc-addr', `unix://${socketPath}`, '--rc-no-auth', '--config', '', '--log-level', 'ERROR'],
    ...['--cache-dir', join(folder, 'cache'), '--temp-dir', folder],
  ];
  const child = spawn(path, args, {
    env: variablesOf(variables, folder),
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: folder,
  });
  const running: Running = {
    ...{ number, child, folder, pid: child.pid ?? 0, startedAt: performance.now(), end: undefined },
    call: (name, parameters, options) => call(socketPath, running, name, parameters, options),
    list: (parameters, options) => list(socketPath, running, parameters, options),
  };
  let last = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    // rclone repeats here what it answers. The agent logs the answer, without credentials.
    last = chunk.toString().trim().slice(-maxLogLine);
  });
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      running.end = error.message;
      resolve();
    });
    child.once('exit', (code, signal) => {
      running.end ??= signal ?? `exit code ${code}`;
      resolve();
    });
  });
  ended
    .then(() => rm(folder, { recursive: true, force: true }))
    .catch((error: unknown) => log(`The folder of rclone could not be removed: ${String(error)}`))
    .finally(() => onEnd(running));
  const until = performance.now() + startMs;
  const options = { signal: stop, limitMs: startMs };
  for (;;) {
    if (running.end !== undefined) throw new RcloneFailure(`rclone did not start (${running.end}) ${last}`.trim());
    try {
      await running.call('options/set', { main: { ...settings, HTTPProxy: proxyUrl } }, options);
      return running;
    } catch (error) {
      if (stop.aborted || performance.now() > until) {
        await stopProcess(running);
        throw error;
      }
      // There is no event when the socket listens.
      await Promise.race([sleep(50, stop), ended]);
    }
  }
}

const second = 1_000_000_000;
/** Options of rclone, in its notation: times in nanoseconds, sizes in bytes. */
const settings = {
  ConnectTimeout: 20 * second,
  Timeout: 120 * second,
  LowLevelRetries: 3,
  Checkers: 8,
  BufferSize: 1024 * 1024,
  // One stream per file: a file of any size needs the same memory.
  MultiThreadStreams: 0,
  UseServerModTime: true,
  UserAgent: 'notebook-sessions',
};

async function stopProcess({ child }: Running): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopMs);
  await ended;
  clearTimeout(timer);
}

function send(socketPath: string, path: string, parameters: object, signal: AbortSignal): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const body = JSON.stringify(parameters);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  // A closed connection ends the call in rclone, too.
  const sent = request({ socketPath, path: `/${path}`, method: 'POST', headers, signal, agent: false }, resolve);
  sent.on('error', reject);
  sent.end(body);
  return promise;
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += chunk.length;
    if (size > maxResponseBytes) throw new Error('the response is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

async function call(
  socketPath: string,
  process: Running,
  path: string,
  parameters: object,
  options: CallOptions,
): Promise<JsonObject> {
  const limit = AbortSignal.timeout(options.limitMs);
  try {
    const response = await send(socketPath, path, parameters, AbortSignal.any([options.signal, limit]));
    return checked(response.statusCode, await textOf(response));
  } catch (error) {
    throw failureOf(error, options, limit, process);
  }
}

async function* list(
  socketPath: string,
  process: Running,
  parameters: object,
  options: CallOptions,
): AsyncIterable<JsonObject[]> {
  const limit = AbortSignal.timeout(options.limitMs);
  try {
    const response = await send(socketPath, 'operations/list', parameters, AbortSignal.any([options.signal, limit]));
    if (response.statusCode !== 200) checked(response.statusCode, await textOf(response));
    yield* readEntries(response, maxListingBytes);
  } catch (error) {
    throw failureOf(error, options, limit, process);
  }
}

function checked(status: number | undefined, text: string): JsonObject {
  const json = asObject(parseJson(text));
  if (!json) throw new RcloneFailure('rclone sent a response that is not valid', status);
  if (status === 200) return json;
  const { error } = json;
  throw new RcloneFailure(typeof error === 'string' ? error : `rclone failed with the status ${status}`, status);
}

function failureOf(error: unknown, { signal, limitMs }: CallOptions, limit: AbortSignal, process: Running): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof RcloneFailure || error instanceof RemoteError) return error;
  if (limit.aborted) return new RcloneFailure(`the remote did not respond within ${Math.round(limitMs / 1000)} s`);
  const ended = process.end === undefined ? '' : ` (${process.end})`;
  const message = error instanceof Error ? error.message : String(error);
  return new RcloneFailure(`rclone ended during the call${ended}: ${message}`, undefined, { cause: error });
}
