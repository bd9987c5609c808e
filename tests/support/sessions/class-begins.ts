import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay, setImmediate as turnOfTheLoop } from 'node:timers/promises';
import type { Identity } from '../../../src/identity/types.ts';
import { startBackends } from './backends.ts';
import { commitSha } from './fake-gitlab.ts';
import { john } from './service.ts';

const retryAfterSeconds = 1;
/** Iterations of the event loop from the last byte of a response until the caller in this process has read it. */
const readingTurns = 5;

interface BusyGitLab {
  readonly url: string;
  calls: number;
  limited: number;
  /** Calls that the service began during the waiting time of a 429 response that it had read. */
  tooEarly: number;
  close(): Promise<void>;
}

const requestOf = (message: unknown) => (message as { request: { origin?: unknown } }).request;

/**
 * Calls `on.begin` when a request to `origin` begins and `on.read` when a response has been read, both as the client sees
 * it: requests that were in flight when GitLab sent 429 arrive later, and a busy machine may take long to connect.
 */
function observeClient(origin: string, on: { begin: () => void; read: (status: number) => void }): () => void {
  const statuses = new WeakMap<object, number>();
  const begun = (message: unknown): void => {
    if (requestOf(message).origin === origin) on.begin();
  };
  const responded = (message: unknown): void => {
    statuses.set(requestOf(message), (message as { response: { statusCode: number } }).response.statusCode);
  };
  const ended = (message: unknown): void => {
    const request = requestOf(message);
    if (request.origin === origin) on.read(statuses.get(request) ?? 0);
  };
  subscribe('undici:request:create', begun);
  subscribe('undici:request:headers', responded);
  subscribe('undici:request:trailers', ended);
  return () => {
    unsubscribe('undici:request:create', begun);
    unsubscribe('undici:request:headers', responded);
    unsubscribe('undici:request:trailers', ended);
  };
}

/** Responds after `latencyMs`; every `limitEvery`th call gets a 429, and so does every call within the next second. */
async function startBusyGitLab(target: string, latencyMs: number, limitEvery: number): Promise<BusyGitLab> {
  const to = new URL(target);
  let refusedAt = Number.NEGATIVE_INFINITY;
  let isKnown = false;
  const isBlocked = (): boolean => performance.now() - refusedAt < retryAfterSeconds * 1000;

  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    self.calls += 1;
    const goesOn = isBlocked();
    if (goesOn || self.calls % limitEvery === 0) {
      self.limited += 1;
      if (!goesOn) {
        refusedAt = performance.now();
        isKnown = false;
      }
      res.writeHead(429, { 'content-type': 'application/json', 'retry-after': String(retryAfterSeconds) });
      res.end('{"message":"429 Too Many Requests"}');
      return;
    }
    await delay(latencyMs);
    const { method, url: path, headers } = req;
    const forwarded = request({ host: to.hostname, port: to.port, method, path, headers }, (response) => {
      res.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(res);
    });
    forwarded.on('error', () => res.destroy());
    forwarded.end();
  }

  /** Records that the client has read a 429, after which it must not begin a request for one second. */
  async function known(): Promise<void> {
    const about = refusedAt;
    for (let turn = 0; turn < readingTurns; turn += 1) await turnOfTheLoop();
    if (about === refusedAt) isKnown = true;
  }

  const server = createServer((req, res) => {
    serve(req, res).catch((error: unknown) => res.destroy(error instanceof Error ? error : undefined));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const stopObserving = observeClient(url, {
    begin() {
      if (isKnown && isBlocked()) self.tooEarly += 1;
    },
    read(status) {
      if (status === 429 && isBlocked()) void known();
    },
  });
  const self: BusyGitLab = {
    url,
    calls: 0,
    limited: 0,
    tooEarly: 0,
    async close() {
      stopObserving();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return self;
}

export interface ClassReport {
  /** Number of responses by status. */
  readonly statuses: Readonly<Record<number, number>>;
  /** Milliseconds. */
  readonly median: number;
  readonly slowest: number;
  readonly sessions: number;
  readonly gitlab: { readonly calls: number; readonly limited: number; readonly tooEarly: number };
}

/**
 * Simulates the begin of a class: `users` registered users launch a session of one project, evenly spread over `withinMs`.
 * GitLab responds after 100 ms and limits the rate from time to time.
 */
export async function classBegins(options: {
  users: number;
  withinMs: number;
  limitEvery: number;
  deadlineMs: number;
}): Promise<ClassReport> {
  const backends = await startBackends();
  const gitlab = await startBusyGitLab(backends.gitlab.url, 100, options.limitEvery);
  try {
    const { host: registry } = backends.registry;
    const service = await backends.replica({
      deadlineMs: options.deadlineMs,
      config: { git: { url: gitlab.url, registry } },
    });
    const launch = async (index: number) => {
      await delay((options.withinMs * index) / options.users);
      const identity: Identity = {
        ...(john(gitlab.url) as Extract<Identity, { kind: 'registered' }>),
        id: `uuid-${index}`,
        username: `student-${index}`,
        git: { url: gitlab.url, token: `token-of-${index}`, tokenExpiresAt: -1 },
      };
      const began = performance.now();
      const { status } = await service.as(identity)('POST', '/servers', {
        namespace: 'my-group',
        project: 'my-project',
        commit_sha: commitSha,
      });
      return { status, ms: performance.now() - began };
    };
    const responses = await Promise.all(Array.from({ length: options.users }, (_, index) => launch(index)));
    const times = responses.map(({ ms }) => ms).sort((one, other) => one - other);
    const statuses: Record<number, number> = {};
    for (const { status } of responses) statuses[status] = (statuses[status] ?? 0) + 1;
    const { calls, limited, tooEarly } = gitlab;
    return {
      statuses,
      median: times[Math.floor(times.length / 2)] ?? 0,
      slowest: times.at(-1) ?? 0,
      sessions: backends.cluster.objects('jupyterservers').length,
      gitlab: { calls, limited, tooEarly },
    };
  } finally {
    await gitlab.close();
    await backends.close();
  }
}
