import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Router } from 'express';
import pino from 'pino';
import { createAccessTokens } from '../../../src/access-tokens/access-tokens.ts';
import { accessTokenRoutes } from '../../../src/access-tokens/routes.ts';
import { createApp } from '../../../src/app.ts';
import type { NewSession } from '../../../src/autosaves/types.ts';
import { createCallerLimit, createCallerLimits } from '../../../src/caller-limit.ts';
import type { Config } from '../../../src/config/types.ts';
import { ApiError, errorKind } from '../../../src/errors.ts';
import { eventRoutes } from '../../../src/events/routes.ts';
import { createSessionEvents, type SessionEventsParts } from '../../../src/events/session-events.ts';
import type { ErrorResponse, NotebookResponse } from '../../../src/generated/openapi.ts';
import type { Identified } from '../../../src/identity/identify.ts';
import type { Identity } from '../../../src/identity/types.ts';
import { createImageChecker } from '../../../src/images/image-checker.ts';
import { createKernels } from '../../../src/kernels/kernels.ts';
import { kernelRoutes } from '../../../src/kernels/routes.ts';
import { type LogRouteParts, logRoutes } from '../../../src/logs/routes.ts';
import { createOfferedPools } from '../../../src/options/offered-pools.ts';
import { optionsRoutes } from '../../../src/options/routes.ts';
import { loadDocument } from '../../../src/pipeline/document.ts';
import { createGitLab } from '../../../src/platform/gitlab/client.ts';
import { createKubernetesClient } from '../../../src/platform/kubernetes/client.ts';
import { parseKubeConfig } from '../../../src/platform/kubernetes/kubeconfig.ts';
import { noMetrics } from '../../../src/platform/metrics/types.ts';
import { createOutboundHttp } from '../../../src/platform/outbound-http/outbound-http.ts';
import { createResourceClasses } from '../../../src/platform/resource-classes/client.ts';
import { createSessionAgents } from '../../../src/platform/session-agent/client.ts';
import { createChange } from '../../../src/sessions/change/change.ts';
import { createRestart } from '../../../src/sessions/change/restart.ts';
import { createStop } from '../../../src/sessions/change/stop.ts';
import { createDryRun } from '../../../src/sessions/launch/dry-run.ts';
import { createFreshTokens } from '../../../src/sessions/launch/fresh-tokens.ts';
import { createLaunch } from '../../../src/sessions/launch/launch.ts';
import { createPhaseTimer } from '../../../src/sessions/launch/phases.ts';
import { createSessionLimit } from '../../../src/sessions/launch/session-limit.ts';
import { createSessionSecrets } from '../../../src/sessions/launch/session-secrets.ts';
import { createPresenter } from '../../../src/sessions/presentation/presenter.ts';
import { sessionAddress } from '../../../src/sessions/presentation/url.ts';
import { createSessionStore } from '../../../src/sessions/read/store.ts';
import { sessionRoutes } from '../../../src/sessions/routes.ts';
import { snapshotRoutes } from '../../../src/snapshots/routes.ts';
import { createSnapshots } from '../../../src/snapshots/snapshots.ts';
import { syncFolderRoutes } from '../../../src/sync-folders/routes.ts';
import { createSyncFolders } from '../../../src/sync-folders/sync-folders.ts';
import { workRoutes } from '../../../src/work/routes.ts';
import { createWork } from '../../../src/work/work.ts';
import { testConfig } from './config.ts';
import type { FakeCluster } from './fake-cluster.ts';
import type { FakeGitLab } from './fake-gitlab.ts';
import type { FakeRegistry } from './fake-registry.ts';

export interface TestResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: NotebookResponse & ErrorResponse & { servers: Record<string, NotebookResponse> };
}

export interface TestService {
  /** With the service's prefix. */
  readonly url: string;
  /** Returns the headers that identify the caller. */
  headersOf(identity: Identity, expiresAt?: number): Record<string, string>;
  /** Ends the streams, as at a stop of the service. */
  stop(): void;
  /** Makes calls of this caller; paths are below the service's prefix. */
  as(identity: Identity): (method: string, path: string, body?: object, signal?: AbortSignal) => Promise<TestResponse>;
  /** Returns the whole log. */
  logged(): string;
  close(): Promise<void>;
}

export interface TestServiceOptions {
  readonly config?: Partial<Config>;
  readonly deadlineMs?: number;
  /** The cache is never started. */
  readonly withoutCache?: boolean;
  /** Called with new sessions, whose launch may supersede autosaves. */
  readonly afterLaunch?: (session: NewSession) => void;
  readonly logs?: Pick<LogRouteParts, 'timing'> & { readonly maxStreams?: number };
  readonly events?: Pick<SessionEventsParts, 'timing'> & {
    readonly maxStreams?: { readonly perUser: number; readonly total: number };
  };
}

const prefix = '/notebooks';

/** Starts a replica with the session and log routes, in the real pipeline except for the identification of callers. */
export async function startService(
  {
    cluster,
    gitlab,
    registry,
  }: { cluster: Pick<FakeCluster, 'kubeconfig'>; gitlab: FakeGitLab; registry: FakeRegistry },
  {
    config: changes = {},
    deadlineMs = 10_000,
    withoutCache = false,
    afterLaunch = () => undefined,
    logs = {},
    events: eventParts = {},
  }: TestServiceOptions = {},
): Promise<TestService> {
  const config = testConfig({}, { git: { url: gitlab.url, registry: registry.host }, ...changes });
  let logged = '';
  const log = pino(
    { level: 'debug' },
    {
      write(line: string) {
        logged += line;
      },
    },
  );
  const client = createKubernetesClient({ kubeconfig: await parseKubeConfig(cluster.kubeconfig), log });
  const store = createSessionStore({ client, config, log });
  if (!withoutCache) await store.start();
  const crcHosts = config.crc_url === null ? [] : [new URL(config.crc_url).host];
  const exemptHosts = [config.git.registry, new URL(config.git.url).host, ...crcHosts];
  const http = createOutboundHttp({ allowedNetworks: [], exemptHosts });
  const images = createImageChecker({ config, http });
  const agents = createSessionAgents();
  const secrets = createSessionSecrets(client, config);
  const classes = config.crc_url === null ? undefined : createResourceClasses({ url: config.crc_url, http, log });
  const offered = createOfferedPools(config, classes);
  const present = createPresenter(config);
  const defaults = createCallerLimits(config.limits);
  const limitOf = (perUser: number, what: string, total = Number.POSITIVE_INFINITY) =>
    createCallerLimit({ registered: perUser, anonymous: perUser, total }, what);
  const limits = {
    ...defaults,
    ...(logs.maxStreams !== undefined && { logStreams: limitOf(logs.maxStreams, 'streams of logs') }),
    ...(eventParts.maxStreams && {
      eventStreams: limitOf(eventParts.maxStreams.perUser, 'streams of events', eventParts.maxStreams.total),
    }),
  };
  const tokens = createFreshTokens(agents, config.sessions.agent_secrets, log);
  const parts = {
    ...{ store, secrets, tokens },
    autosaves: { afterLaunch },
    gitlab: createGitLab({ http, log }),
    images,
    offered,
    launchLimit: limits.launches,
    sessionLimit: createSessionLimit(config.limits.sessions_per_user),
    timePhase: createPhaseTimer(noMetrics),
    config,
    log,
  };

  const stopping = new AbortController();
  const events = createSessionEvents({
    ...{ sessions: store, responses: present, limit: limits.eventStreams, stopping: stopping.signal },
    ...eventParts,
  });
  const callers = new Map<string, Identified>();
  const app = createApp({
    config: { ...config, service_prefix: prefix, request: { ...config.request, deadline_ms: deadlineMs } },
    log,
    document: loadDocument(prefix),
    identify: async ({ headers }) => callers.get(String(headers['test-caller'])) ?? unauthenticated(),
    health: Router(),
    routes: [
      sessionRoutes({
        store,
        launch: createLaunch(parts),
        dryRun: createDryRun({ ...parts, present }),
        restart: createRestart({ client, store, secrets, log }),
        stop: createStop({ store, agents, config, log }),
        change: createChange({ store, secrets, tokens, agents, offered, config, log }),
        present,
        follow: events.all,
        config,
      }),
      eventRoutes({ sessions: store, events }),
      workRoutes({
        ...{ work: createWork({ sessions: store, agents, config }), stopping: stopping.signal },
        limit: limits.eventStreams,
      }),
      kernelRoutes(createKernels({ sessions: store, agents, config })),
      snapshotRoutes(createSnapshots({ sessions: store, agents, config })),
      syncFolderRoutes({
        ...{ folders: createSyncFolders({ sessions: store, agents, config }), stopping: stopping.signal },
        limit: limits.eventStreams,
      }),
      optionsRoutes(config, offered),
      accessTokenRoutes({
        tokens: createAccessTokens({
          sessions: store,
          config,
          addressOf: (session) => sessionAddress(session, config),
        }),
      }),
      logRoutes({ client, sessions: store, log, limit: limits.logStreams, stopping: stopping.signal, ...logs }),
    ],
    validateResponses: true,
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const headersOf = (identity: Identity, expiresAt?: number): Record<string, string> => {
    const caller = String(callers.size);
    callers.set(caller, { identity, ...(expiresAt === undefined ? {} : { expiresAt }) });
    return { 'test-caller': caller };
  };

  return {
    url: url + prefix,
    headersOf,
    stop: () => stopping.abort(),
    as: (identity) => {
      const headers = headersOf(identity);
      return async (method, path, body, signal = new AbortController().signal) => {
        const response = await fetch(url + prefix + path, {
          method,
          signal,
          headers: { ...headers, 'content-type': 'application/json' },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        const text = await response.text();
        return {
          status: response.status,
          headers: response.headers,
          body: text === '' ? {} : JSON.parse(text),
        } as TestResponse;
      };
    },
    logged: () => logged,
    async close() {
      server.closeAllConnections();
      server.close();
      await store.stop();
      await client.close();
      await agents.close();
      await http.close();
    },
  };
}

function unauthenticated(): never {
  throw new ApiError(errorKind.unauthenticated, 'The call has no identity.');
}

export const john = (gitUrl: string): Identity => ({
  kind: 'registered',
  id: 'uuid-john',
  username: 'john.doe',
  email: 'john@example.org',
  fullName: 'John Doe',
  issuer: 'https://renku.example.org/auth/realms/Renku',
  accessToken: 'the-access-token',
  refreshToken: 'the-refresh-token',
  git: { url: gitUrl, token: 'the-gitlab-token', tokenExpiresAt: -1 },
});

export const anonymous = (gitUrl: string, id = 'anon-abc123', source: 'header' | 'cookie' = 'cookie'): Identity => ({
  kind: 'anonymous',
  source,
  id,
  username: id,
  git: { url: gitUrl, token: null, tokenExpiresAt: 0 },
});
