import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Identity } from '../../identity/types.ts';
import { startBackends } from './backends.ts';
import { commitSha } from './fake-gitlab.ts';
import { john } from './service.ts';

const retryAfterSeconds = 1;
/**
 * What was sent before the refusal could be read has arrived after so many turns of the event loop, which client and
 * server share here; and turns are as long as the machine is busy, which a fixed time is not.
 */
const underWayTurns = 20;
const turnMs = 20;
/** Clocks and timers of one machine differ by this much. */
const slackMs = 20;

interface BusyGitLab {
  readonly url: string;
  calls: number;
  limited: number;
  /** Calls that came in a time in which its answers had asked for none. */
  tooEarly: number;
  close(): Promise<void>;
}

/** Answers after `latencyMs`; every `limitEvery`th call is refused for a second, and with it all until then. */
async function startBusyGitLab(target: string, latencyMs: number, limitEvery: number): Promise<BusyGitLab> {
  const to = new URL(target);
  let refusedAt = Number.NEGATIVE_INFINITY;
  let isKnown = true;

  async function refuse(): Promise<void> {
    const at = performance.now();
    refusedAt = at;
    isKnown = false;
    for (let turn = 0; turn < underWayTurns; turn += 1) await delay(turnMs);
    if (at === refusedAt) isKnown = true;
  }

  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    self.calls += 1;
    const isBlocked = performance.now() - refusedAt < retryAfterSeconds * 1000 - slackMs;
    if (isBlocked && isKnown) self.tooEarly += 1;
    if (isBlocked || self.calls % limitEvery === 0) {
      self.limited += 1;
      res.writeHead(429, { 'content-type': 'application/json', 'retry-after': String(retryAfterSeconds) });
      res.end('{"message":"429 Too Many Requests"}');
      if (!isBlocked) await refuse();
      return;
    }
    await delay(latencyMs);
    const { method, url: path, headers } = req;
    const forwarded = request({ host: to.hostname, port: to.port, method, path, headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(res);
    });
    forwarded.on('error', () => res.destroy());
    forwarded.end();
  }

  const server = createServer((req, res) => {
    serve(req, res).catch((error: unknown) => res.destroy(error instanceof Error ? error : undefined));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const self: BusyGitLab = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: 0,
    limited: 0,
    tooEarly: 0,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return self;
}

export interface ClassReport {
  /** Status to number of answers. */
  readonly statuses: Readonly<Record<number, number>>;
  /** Milliseconds. */
  readonly median: number;
  readonly slowest: number;
  readonly sessions: number;
  readonly gitlab: { readonly calls: number; readonly limited: number; readonly tooEarly: number };
}

/**
 * A class begins: so many registered users launch the session of one project within a time, each at a moment of their
 * own, while GitLab takes 100 ms for an answer and has had enough now and then.
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
    const answers = await Promise.all(Array.from({ length: options.users }, (_, index) => launch(index)));
    const times = answers.map(({ ms }) => ms).sort((one, other) => one - other);
    const statuses: Record<number, number> = {};
    for (const { status } of answers) statuses[status] = (statuses[status] ?? 0) + 1;
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
