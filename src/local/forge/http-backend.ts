import { type ChildProcess, spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { Logger } from 'pino';
import { readCgiHead } from './cgi.ts';
import { sendText } from './http.ts';
import type { ForgeProject } from './records.ts';
import { environmentOf } from './repository.ts';

export type Service = 'git-upload-pack' | 'git-receive-pack';

export interface GitRequest {
  readonly project: ForgeProject;
  readonly service: Service;
  /** The list of refs (`info/refs`) rather than the service itself. */
  readonly advertise: boolean;
  readonly username: string | undefined;
  /** For the hook that decides about a push. */
  readonly rules: Readonly<Record<string, string>>;
}

export interface HttpBackendOptions {
  /** Absolute path of git's own CGI program. */
  readonly program: string;
  /** Directory of the hooks that decide about pushes; hooks of a repository never run. */
  readonly hooks: string;
  readonly log: Logger;
  /** A transfer without a byte in either direction for so long is ended. git itself sends a sign of life every 5 s. */
  readonly idleMs: number;
}

/** Time between asking a process group to end and ending it. */
const killGraceMs = 2000;
/** Time that a push which has arrived completely gets when the forge stops. */
const finishGraceMs = 5000;

/** Runs `git http-backend` (CGI, RFC 3875), one process group per request. */
export class HttpBackend {
  readonly #options: HttpBackendOptions;
  readonly #running = new Map<ChildProcess, { ended: Promise<void>; mustFinish: () => boolean }>();
  #closed = false;

  constructor(options: HttpBackendOptions) {
    this.#options = options;
  }

  /** Answers the request, whatever happens, and settles when the program has ended. */
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
      // A group of its own, so that the packing below it ends with it.
      detached: true,
    });
    const ended = new Promise<void>((resolve) => {
      child.once('close', resolve);
      child.once('error', (error) => {
        log.error({ err: error }, 'git http-backend cannot be started');
        resolve();
      });
    });
    // A push that has arrived completely may be updating a working tree: half an update is worse than a late one.
    const mustFinish = () => git.service === 'git-receive-pack' && !git.advertise && request.complete;
    this.#running.set(child, { ended, mustFinish });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      if (stderr.length < 8192) stderr += chunk.toString('utf8');
    });

    const onClose = () => {
      if (response.writableFinished || mustFinish()) return;
      log.info('the client went away, its git is ended');
      endGroup(child);
    };
    response.on('close', onClose);
    const stopWatching = watchIdle(request, this.#options.idleMs, () => {
      log.warn('a git transfer stood still and is ended');
      endGroup(child);
    });
    try {
      // Not stream.pipeline: it would cut the connection when git answers before it has read everything.
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
      // Cut rather than ended, so that the client does not take half an answer for a whole one.
      if (response.headersSent) response.destroy();
      else sendText(response, 500, 'git could not answer this request.');
      endGroup(child);
    } finally {
      stopWatching();
      response.off('close', onClose);
      await ended;
      this.#running.delete(child);
    }
  }

  /** Ends all transfers, pushes in their last steps a little later, and waits until their processes are gone. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const [child, { mustFinish }] of this.#running) if (!mustFinish()) endGroup(child);
    const timer = setTimeout(() => [...this.#running.keys()].forEach(endGroup), finishGraceMs);
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
    // The directory comes from the forge's own records; the path below it is one of three fixed ones.
    GIT_PROJECT_ROOT: git.project.gitDir,
    PATH_INFO: git.advertise ? '/info/refs' : `/${git.service}`,
    QUERY_STRING: git.advertise ? `service=${git.service}` : '',
    GIT_HTTP_EXPORT_ALL: '1',
    REMOTE_ADDR: request.socket.remoteAddress ?? '',
    ...(git.username === undefined ? {} : { REMOTE_USER: git.username.replace(/[^\w@.+-]/g, '_') }),
    // No CONTENT_LENGTH: the body ends where the stream ends, chunked or not.
    ...(contentType === undefined ? {} : { CONTENT_TYPE: contentType }),
    ...(encoding === 'identity' ? {} : { HTTP_CONTENT_ENCODING: encoding }),
    ...(typeof protocol === 'string' && /^version=[0-2]$/.test(protocol) ? { GIT_PROTOCOL: protocol } : {}),
  };
}

/** Copies at the client's pace. Without a client it stops, or reads on to let the program come to its end. */
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

/** Calls `onIdle` once when the connection has carried nothing for `idleMs`. Returns the function that ends the watch. */
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

/** SIGTERM to the whole group (git removes its lock and temporary files), SIGKILL to what does not heed it. */
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
    // ESRCH: it ended between the check and the signal.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
