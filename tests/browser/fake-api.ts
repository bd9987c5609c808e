import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { pino } from 'pino';
import { createApp } from '../../src/app.ts';
import { toApiError } from '../../src/error-translation.ts';
import { ApiError, errorKind } from '../../src/errors.ts';
import type { SavingStatus } from '../../src/generated/openapi.ts';
import type { Identity } from '../../src/identity/types.ts';
import { defaultTiming, sendEvents } from '../../src/lib/server-sent-events.ts';
import { endEvent, lineData, type StreamEvent } from '../../src/logs/stream-events.ts';
import { pageErrors } from '../../src/pages/page-errors.ts';
import { pagesRoutes } from '../../src/pages/routes.ts';
import { loadDocument } from '../../src/pipeline/document.ts';
import type { GitLab, GitLabHistory, GitLabListedCommit, GitLabProject } from '../../src/platform/gitlab/types.ts';
import { testConfig } from '../support/sessions/config.ts';
import { FakeStreams } from './fake-streams.ts';
import { createFakeWork, type FakeWork, fakeWorkRoutes } from './fake-work.ts';

/**
 * The real pages on a fake API, in which a test can set any state: also failures, and states that are too short on the real
 * platform. first-light.test.ts tests the pages on the real platform.
 */
export interface FakeApi {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  /** `http://localhost:PORT`, where sessions open. */
  readonly sessionOrigin: string;
  identity: Identity;
  projects: GitLabProject[];
  sessions: Map<string, FakeSession>;
  logs: Map<string, Record<string, string>>;
  /** Branch to its commits, newest first; the same in every project. */
  readonly history: Map<string, GitLabListedCommit[]>;
  resourceClasses: Record<string, unknown>[];
  /** The error that every call of GitLab throws. */
  gitlabError: Error | undefined;
  /** Is called for each request of the API. A result is sent as the response; undefined: the fake API handles the request. */
  intercept: ((method: string, path: string, accept: string | undefined) => FakeResponse | undefined) | undefined;
  /** The streams of session events. */
  readonly streams: FakeStreams;
  readonly saves: FakeWork;
  /** All requests of the API, in order. */
  readonly requests: { method: string; path: string; query?: string; body: unknown }[];
  close(): Promise<void>;
}

export interface FakeResponse {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

export type FakeSession = ReturnType<typeof fakeSession>;
export type StepStatus = 'ready' | 'waiting' | 'executing' | 'failed';

const stepLabels = [
  'Initialization',
  'Downloading server image',
  'Cloning and configuring the repository',
  'Authentication and proxying services',
  'Starting session',
];

export const anonymous: Identity = {
  kind: 'anonymous',
  source: 'cookie',
  id: 'anon-1',
  username: 'anon-1',
  git: { url: 'http://127.0.0.1/forge', token: null, tokenExpiresAt: 0 },
};

export const registered: Identity = {
  kind: 'registered',
  id: 'user-1',
  username: 'ada',
  email: 'ada@example.org',
  fullName: 'Ada Lovelace',
  issuer: 'http://127.0.0.1/auth',
  accessToken: 'access',
  refreshToken: null,
  git: { url: 'http://127.0.0.1/forge', token: 'token', tokenExpiresAt: -1 },
};

export function fakeProject(pathWithNamespace: string, more: Partial<GitLabProject> = {}): GitLabProject {
  return {
    id: [...pathWithNamespace].reduce((sum, character) => (sum * 31 + (character.codePointAt(0) ?? 0)) % 1_000_003, 7),
    pathWithNamespace,
    name: pathWithNamespace.split('/').at(-1) ?? '',
    description: null,
    defaultBranch: 'main',
    isEmpty: false,
    visibility: 'public',
    webUrl: `http://127.0.0.1/forge/${pathWithNamespace}`,
    httpUrlToRepo: `http://127.0.0.1/forge/${pathWithNamespace}.git`,
    accessLevel: 30,
    lastActivityAt: null,
    ...more,
  };
}

/** Returns commits with these titles, the newest first. The id of the newest is `id`, repeated. */
export function fakeCommits(id: string, ...titles: string[]): GitLabListedCommit[] {
  return titles.map((title, index) => ({
    sha: index === 0 ? id.repeat(5) : `${index}`.padStart(2, '0').repeat(20),
    title,
    authorName: 'Ada Lovelace',
    committedDate: new Date(Date.now() - index * 3_600_000).toISOString(),
  }));
}

export interface FakeSessionOptions {
  namespace?: string;
  project?: string;
  branch?: string;
  commit?: string;
  image?: string;
  state?: 'running' | 'starting' | 'stopping' | 'failed' | 'hibernated';
  message?: string | null;
  steps?: StepStatus[];
  warnings?: { message: string; critical?: boolean }[];
  usage?: { cpu?: number; memory?: string; storage?: string };
  launch?: Record<string, unknown>;
  restartable?: boolean;
  saving?: SavingStatus;
  started?: string;
  url?: string;
}

export function fakeSession(name: string, options: FakeSessionOptions = {}) {
  const state = options.state ?? 'running';
  const statuses = options.steps ?? stepLabels.map((): StepStatus => (state === 'running' ? 'ready' : 'waiting'));
  return {
    name,
    image: options.image ?? 'registry.example.org/images/jupyter:latest',
    started: options.started ?? new Date().toISOString(),
    state: { pod_name: `${name}-0` },
    url: options.url ?? '',
    launch: options.launch ?? {},
    annotations: {
      'renku.io/namespace': options.namespace ?? 'demo',
      'renku.io/projectName': options.project ?? 'first-light',
      'renku.io/branch': options.branch ?? 'main',
      'renku.io/commit-sha': options.commit ?? '8f14e45f'.repeat(5),
      'renku.io/repository': `http://127.0.0.1:8000/forge/${options.namespace ?? 'demo'}/${options.project ?? 'first-light'}`,
      'renku.io/default_image_used': 'True',
    } as Record<string, string>,
    resources: {
      requests: { cpu: 0.5, memory: '1G', storage: '1G' } as Record<string, string | number>,
      usage: (options.usage ?? {}) as Record<string, string | number>,
    },
    status: {
      state,
      message: options.message ?? null,
      details: statuses.map((status, index) => ({ step: stepLabels[index] ?? `Step ${index}`, status })),
      totalNumContainers: statuses.length,
      readyNumContainers: statuses.filter((status) => status === 'ready').length,
      warnings: options.warnings ?? [],
      ...(options.restartable === undefined ? {} : { restartable: options.restartable }),
      ...(options.saving ? { saving: options.saving } : {}),
    },
  };
}

export async function startFakeApi(): Promise<FakeApi> {
  const log = pino({ enabled: false });
  const { limits, server: proxies, sessions } = testConfig();
  const config = {
    limits,
    server: proxies,
    sessions,
    version: '0.0.0-test',
    service_prefix: '/notebooks',
    request: { deadline_ms: 10_000, body_limit_bytes: 1_048_576, allowed_hosts: [], allowed_origins: [] },
  };
  const machine = express();
  const server = createServer(machine).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  const fake: FakeApi = {
    origin: `http://127.0.0.1:${port}`,
    sessionOrigin: `http://localhost:${port}`,
    identity: registered,
    projects: [],
    sessions: new Map(),
    logs: new Map(),
    history: new Map([
      ['main', fakeCommits('8f14e45f', 'Count them again', 'Count the sunspots')],
      ['feature/x', fakeCommits('c9f0f895', 'Draw them')],
    ]),
    resourceClasses: [
      sizedClass(1, 'small', { default: true, cpu: 0.5, memory: 1, default_storage: 1, max_storage: 20 }),
      sizedClass(2, 'large', { cpu: 4, memory: 16, gpu: 1, default_storage: 5, max_storage: 100 }),
    ],
    gitlabError: undefined,
    intercept: undefined,
    requests: [],
    streams: new FakeStreams(),
    saves: createFakeWork(),
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };

  machine.get(
    '/sessions/:name',
    (req, res) => void res.type('html').send(`<title>Lab</title><p>JupyterLab of ${req.params.name}`),
  );
  machine.use(
    createApp({
      config,
      log,
      document: loadDocument(config.service_prefix),
      identify: async () => ({ identity: fake.identity }),
      health: express.Router(),
      routes: [observer(fake), apiRoutes(fake), fakeWorkRoutes(fake.saves)],
      pages: pagesRoutes({ config, gitlab: fakeGitLab(fake), log }),
      pageErrors: pageErrors({ config, log, explain: toApiError }),
      // The responses of the fake must be valid by openapi.yaml too.
      validateResponses: true,
    }),
  );
  return fake;
}

/** Returns an object with the query, if there is one. */
const queryOf = ({ url }: express.Request) => (url.includes('?') ? { query: url.slice(url.indexOf('?') + 1) } : {});

function observer(fake: FakeApi): express.Router {
  return express.Router().use((req, res, next) => {
    if (/^\/(servers|logs|projects|resource_classes)|\/autosave/.test(req.path)) {
      const body = ['POST', 'PUT', 'PATCH'].includes(req.method) ? req.body : undefined;
      fake.requests.push({ method: req.method, path: req.path, ...queryOf(req), body });
    }
    const response = fake.intercept?.(req.method, req.path, req.get('Accept'));
    if (!response) return next();
    // Not `json`, which would validate the response.
    res
      .status(response.status)
      .set(response.headers ?? {})
      .type('json')
      .send(JSON.stringify(response.body));
  });
}

const present = (session: FakeSession) => ({
  ...session,
  started: new Date(session.started).toISOString(),
  status: {
    ...session.status,
    warnings: session.status.warnings.map(({ message, critical = false }) => ({ message, critical })),
  },
});

const states = (fake: FakeApi) => [...fake.sessions].map(([name, session]) => [name, present(session)] as const);

function apiRoutes(fake: FakeApi): express.Router {
  const router = express.Router();
  const found = (name: string) => {
    const session = fake.sessions.get(name);
    if (!session) throw new ApiError(errorKind.missing, `There is no session ${name}.`);
    return session;
  };
  router.get('/servers', async (req, res) => {
    if (req.accepts(['application/json', 'text/event-stream']) === 'text/event-stream')
      return await fake.streams.follow(res, () => states(fake));
    res.json({ servers: Object.fromEntries(states(fake)) });
  });
  router.get('/servers/:name/events', async (req, res) => {
    const { name } = req.params;
    found(name);
    await fake.streams.follow(res, () => states(fake).filter(([each]) => each === name), name);
  });
  router.get('/servers/:name', (req, res) => void res.json(present(found(req.params.name))));
  router.post('/servers/:name/restart', (req, res) => {
    const session = found(req.params.name);
    session.status.state = 'starting';
    session.status.message = null;
    res.status(202).json(present(session));
  });
  router.get('/server_options', (_req, res) => {
    res.json({
      defaultUrl: {
        order: 1,
        displayName: 'Default Environment',
        type: 'enum',
        default: '/lab',
        options: ['/lab', '/tree'],
      },
      lfs_auto_fetch: { order: 2, displayName: 'Automatically fetch LFS data', type: 'boolean', default: false },
      cloudstorage: { s3: { enabled: false }, azure_blob: { enabled: false } },
    });
  });
  router.get('/resource_classes', (_req, res) => void res.json({ resource_classes: fake.resourceClasses }));
  router.get('/logs/:name', async (req, res) => {
    const { name } = req.params;
    found(name);
    if (!req.accepts('text/event-stream') || req.get('Accept') === 'application/json') {
      return void res.json(fake.logs.get(name) ?? {});
    }
    const timing = { ...defaultTiming, stopping: new AbortController().signal };
    await sendEvents(res, (gone) => logEvents(fake, name, req.get('Last-Event-ID'), gone), timing);
  });
  router.patch('/servers/:name', (req, res) => {
    const session = found(req.params.name);
    const { state, resource_class_id: size } = req.body as {
      state?: 'running' | 'hibernated';
      resource_class_id?: number;
    };
    if (state) session.status.state = state === 'running' ? 'starting' : state;
    if (state) delete session.status.saving;
    if (size) session.launch = { ...session.launch, resource_class_id: size };
    res.json(present(session));
  });
  router.delete('/servers/:name', (req, res) => {
    const session = found(req.params.name);
    session.status.state = 'stopping';
    res.status(204).end();
  });
  router.post('/servers', (req, res) => {
    const { namespace, project, branch, commit_sha: commit } = req.body as Record<string, string>;
    const existing = [...fake.sessions.values()].find(
      (session) => session.annotations['renku.io/projectName'] === project,
    );
    if (existing) return void res.status(200).json(present(existing));
    const name = `ada-${project}`;
    const session = fakeSession(name, {
      state: 'starting',
      ...(namespace ? { namespace } : {}),
      ...(project ? { project } : {}),
      ...(branch ? { branch } : {}),
      ...(commit ? { commit } : {}),
      url: `${fake.sessionOrigin}/sessions/${name}`,
    });
    fake.sessions.set(name, session);
    res.status(201).json(present(session));
  });
  return router;
}

/** Yields the lines in `fake.logs`, and those that the test adds, until the test removes the session. */
async function* logEvents(
  fake: FakeApi,
  name: string,
  lastId: string | undefined,
  gone: AbortSignal,
): AsyncGenerator<StreamEvent[]> {
  const sent = JSON.parse(lastId ?? '{}') as Record<string, number>;
  while (fake.sessions.has(name) && !gone.aborted) {
    const events: StreamEvent[] = [];
    for (const [container, text] of Object.entries(fake.logs.get(name) ?? {})) {
      const lines = text.split('\n');
      for (const line of lines.slice(sent[container] ?? 0)) {
        sent[container] = (sent[container] ?? 0) + 1;
        const [, time = null, rest = line] = /^(\d{4}-\S+Z) (.*)$/.exec(line) ?? [];
        const data = lineData(container, { time, instant: undefined, text: rest, isCut: false });
        events.push({ id: JSON.stringify(sent), data });
      }
    }
    if (events.length > 0) yield events;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  yield [endEvent('deleted')];
}

const sizedClass = (id: number, name: string, more: Record<string, unknown>): Record<string, unknown> => ({
  id,
  name,
  pool: 'all',
  default: false,
  gpu: 0,
  ...more,
});

/** A GitLab in which every project has the branches of `fake.history` and the tag `v1`. */
function fakeGitLab(fake: FakeApi): GitLab & GitLabHistory {
  const tag = '45c48cce'.repeat(5);
  const tip = (branch: string) => fake.history.get(branch)?.[0]?.sha;
  const shas = () => [tag, ...[...fake.history.values()].flatMap((commits) => commits.map(({ sha }) => sha))];
  const throwError = () => {
    if (fake.gitlabError) throw fake.gitlabError;
  };
  return {
    async project(_access, path) {
      throwError();
      return fake.projects.find((project) => project.pathWithNamespace === path);
    },
    async branch(_access, _project, name) {
      throwError();
      const sha = tip(name);
      return sha ? { name, commitSha: sha } : undefined;
    },
    async commit(_access, _project, ref) {
      throwError();
      const sha = tip(ref) ?? (ref === 'v1' ? tag : shas().find((commit) => ref.length >= 7 && commit.startsWith(ref)));
      return sha ? { sha, committedDate: null } : undefined;
    },
    async branches(_access, _project, options) {
      throwError();
      const wanted = 'search' in options ? options.search : '';
      const names = [...fake.history.keys()].filter((name) => name.includes(wanted)).sort();
      const page = names.slice((options.page - 1) * 100, options.page * 100);
      return {
        branches: page.map((name) => ({ name, commitSha: tip(name) ?? '', committedDate: null })),
        nextPage: names.length > options.page * 100 ? options.page + 1 : undefined,
      };
    },
    async commits(_access, _project, { ref = 'main', page }) {
      throwError();
      const all = fake.history.get(ref);
      if (!all) return undefined;
      return {
        commits: all.slice((page - 1) * 20, page * 20),
        nextPage: all.length > page * 20 ? page + 1 : undefined,
      };
    },
    async projects(_access, { search, page }) {
      throwError();
      const matching = fake.projects.filter((project) => !search || project.pathWithNamespace.includes(search));
      return matching.slice((page - 1) * 50, page * 50);
    },
  };
}
