import { type ChildProcess, spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { Logger } from 'pino';
import { hasCode } from '../../lib/error-code.ts';
import { sendText } from '../http/responses.ts';
import { readCgiHead } from './cgi.ts';
import type { ForgeProject } from './records.ts';
import { environmentOf } from './repository.ts';

export type Service = 'git-upload-pack' | 'git-receive-pack';

export interface GitRequest {
  readonly project: ForgeProject;
  readonly service: Service;
  /** True for the list of refs (`info/refs`), false for the service itself. */
  readonly advertise: boolean;
  readonly username: string | undefined;
  /** Environment variables for the hook that checks pushes. */
  readonly rules: Readonly<Record<string, string>>;
}

export interface HttpBackendOptions {
  /** Absolute path of git's CGI program. */
  readonly program: string;
  /** Directory of the hooks that check pushes. Hooks of a repository never run. */
  readonly hooks: string;
  readonly log: Logger;
  /** Milliseconds without a byte in either direction after which a transfer is aborted. git sends a keepalive every 5 s. */
  readonly idleMs: number;
}

/** Milliseconds between SIGTERM and SIGKILL. */
const killGraceMs = 2000;
/** Milliseconds that a completely received push may take when the forge stops. */
const finishGraceMs = 5000;

interface Running {
  readonly ended: Promise<void>;
  readonly mustFinish: () => boolean;
  /** Ends the process, and closes the connection. */
  readonly abort: () => void;
}

/** Runs `git http-backend` (CGI, RFC 3875), one process group per request. */
export class HttpBackend {
  readonly #options: HttpBackendOptions;
  readonly #running = new Map<ChildProcess, Running>();
  #closed = false;

  constructor(options: HttpBackendOptions) {
    this.#options = options;
  }

  /** Sends the response, even after an error, and resolves when the program has ended. */
  async serve(git: GitRequest, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#closed) return sendText(response, 503, 'The forge is stopping.');
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (!['identity', 'gzip', 'x-gzip'].includes(encoding)) {
      return sendText(response, 415, 'A request body may be compressed with gzip only.');
    }
    const log = this.#options.log.child({ project: git.project.id, service: git.service });
    const child = spawn(this.#options.program, [], {
      env: cgiEnvironment(git, request, encoding, this.#options.hooks),
      cwd: '/',
      stdio: ['pipe', 'pipe', 'pipe'],
      // The process has its own process group, so that its child processes (packing) are killed, too.
      detached: true,
    });
    const ended = new Promise<void>((resolve) => {
      child.once('close', resolve);
      child.once('error', (error) => {
        log.error({ err: error }, 'git http-backend cannot be started');
        resolve();
      });
    });
    // A completely received push may be updating a working tree, which must not be interrupted.
    const mustFinish = () => git.service === 'git-receive-pack' && !git.advertise && request.complete;
    let isAborted = false;
    const abort = () => {
      isAborted = true;
      endGroup(child);
    };
    this.#running.set(child, { ended, mustFinish, abort });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      if (stderr.length < 8192) stderr += chunk.toString('utf8');
    });

    const onClose = () => {
      if (response.writableFinished || mustFinish()) return;
      log.info('the client closed the connection; git is stopped');
      endGroup(child);
    };
    response.on('close', onClose);
    const stopWatching = watchIdle(request, this.#options.idleMs, () => {
      log.warn('a git transfer was idle for too long and was aborted');
      abort();
    });
    try {
      // stream.pipeline would close the connection if git responds before git has read the whole request.
      request.pipe(child.stdin);
      child.stdin.on('error', (error) => {
        log.debug({ err: error }, 'git did not read the whole request');
        request.unpipe(child.stdin);
        request.resume();
      });
      const { status, headers } = await readCgiHead(child.stdout);
      response.writeHead(status, { ...headers, 'X-Content-Type-Options': 'nosniff' });
      await copy(child.stdout, response, mustFinish);
      await ended;
      if (child.exitCode === 0) response.end();
      else throw new Error(`git http-backend ended with ${child.exitCode ?? child.signalCode}`);
    } catch (error) {
      if (!response.destroyed) log.warn({ err: error, stderr: stderr.trim() }, 'a git request failed');
      // The connection is closed, so that the client notices that the response is incomplete.
      if (response.headersSent || isAborted) response.destroy();
      else sendText(response, 500, 'git could not handle this request.');
      endGroup(child);
    } finally {
      stopWatching();
      response.off('close', onClose);
      await ended;
      this.#running.delete(child);
    }
  }

  /** Aborts all transfers (completely received pushes after a grace period) and waits until their processes have ended. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { mustFinish, abort } of this.#running.values()) if (!mustFinish()) abort();
    const timer = setTimeout(() => {
      for (const { abort } of this.#running.values()) abort();
    }, finishGraceMs);
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
    clearTimeout(timer);
  }
}

function cgiEnvironment(
  git: GitRequest,
  request: IncomingMessage,
  encoding: string,
  hooks: string,
): Record<string, string> {
  const writes = git.service === 'git-receive-pack';
  const protocol = request.headers['git-protocol'];
  const contentType = request.headers['content-type'];
  return {
    ...environmentOf(git.project, [
      ['http.receivepack', String(writes)],
      ...(writes ? ([['core.hooksPath', hooks]] as const) : []),
    ]),
    ...(writes ? git.rules : {}),
    GATEWAY_INTERFACE: 'CGI/1.1',
    SERVER_PROTOCOL: 'HTTP/1.1',
    REQUEST_METHOD: git.advertise ? 'GET' : 'POST',
    // The directory is from the forge's own records, and there are three fixed paths below it.
    GIT_PROJECT_ROOT: git.project.gitDir,
    PATH_INFO: git.advertise ? '/info/refs' : `/${git.service}`,
    QUERY_STRING: git.advertise ? `service=${git.service}` : '',
    GIT_HTTP_EXPORT_ALL: '1',
    REMOTE_ADDR: request.socket.remoteAddress ?? '',
    ...(git.username === undefined ? {} : { REMOTE_USER: git.username.replace(/[^\w@.+-]/g, '_') }),
    // CONTENT_LENGTH is not set: the body ends with the stream.
    ...(contentType === undefined ? {} : { CONTENT_TYPE: contentType }),
    ...(encoding === 'identity' ? {} : { HTTP_CONTENT_ENCODING: encoding }),
    ...(typeof protocol === 'string' && /^version=[0-2]$/.test(protocol) ? { GIT_PROTOCOL: protocol } : {}),
  };
}

/** Copies as fast as the client reads. After the client has disconnected, reads the rest if `readOn` returns true. */
async function copy(from: Readable, to: ServerResponse, readOn: () => boolean): Promise<void> {
  for await (const chunk of from) {
    if (to.destroyed) {
      if (readOn()) continue;
      return;
    }
    if (!to.write(chunk)) await drained(to);
  }
}

function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

/** Calls `onIdle` once if the connection transfers nothing for `idleMs`. Returns the function that stops the timer. */
function watchIdle({ socket }: IncomingMessage, idleMs: number, onIdle: () => void): () => void {
  let carried = -1;
  const timer = setInterval(() => {
    const now = socket.bytesRead + socket.bytesWritten;
    if (now === carried) {
      clearInterval(timer);
      onIdle();
    }
    carried = now;
  }, idleMs);
  return () => clearInterval(timer);
}

/** Sends SIGTERM to the process group, so that git removes its lock and temporary files, and SIGKILL after a grace period. */
function endGroup(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  signalGroup(pid, 'SIGTERM');
  const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), killGraceMs);
  child.once('close', () => clearTimeout(timer));
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // ESRCH: the process ended before the signal.
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}
