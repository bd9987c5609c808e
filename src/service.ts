import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createAccessTokens } from './access-tokens/access-tokens.ts';
import { accessTokenRoutes } from './access-tokens/routes.ts';
import { createApp } from './app.ts';
import { createAutosaveCleanUp } from './autosaves/clean-up.ts';
import { autosaveRoutes } from './autosaves/routes.ts';
import { type CallerLimit, createCallerLimits } from './caller-limit.ts';
import type { Config } from './config/types.ts';
import { toApiError } from './error-translation.ts';
import { eventRoutes } from './events/routes.ts';
import { createSessionEvents } from './events/session-events.ts';
import { kubernetesDependency } from './health/kubernetes.ts';
import { healthRoutes, versionRoutes } from './health/routes.ts';
import { createIdentity } from './identity/identify.ts';
import { createImageChecker } from './images/image-checker.ts';
import { imagesRoutes } from './images/routes.ts';
import { createKernels } from './kernels/kernels.ts';
import { kernelRoutes } from './kernels/routes.ts';
import { logRoutes } from './logs/routes.ts';
import { createOfferedPools } from './options/offered-pools.ts';
import { optionsRoutes } from './options/routes.ts';
import { pageErrors } from './pages/page-errors.ts';
import { pagesRoutes } from './pages/routes.ts';
import { loadDocument } from './pipeline/document.ts';
import { type Address, close, createHttpServer, listen } from './pipeline/http-server.ts';
import { createGitLab } from './platform/gitlab/client.ts';
import type { KubernetesConnection } from './platform/kubernetes/types.ts';
import type { OutboundCalls } from './platform/metrics/outbound-calls.ts';
import { type Metrics, noMetrics } from './platform/metrics/types.ts';
import { createWatchMetric } from './platform/metrics/watches.ts';
import { createOutboundHttp } from './platform/outbound-http/outbound-http.ts';
import { createResourceClasses } from './platform/resource-classes/client.ts';
import { createSessionAgents } from './platform/session-agent/client.ts';
import { createChange } from './sessions/change/change.ts';
import { createRestart } from './sessions/change/restart.ts';
import { createStop } from './sessions/change/stop.ts';
import { createDryRun } from './sessions/launch/dry-run.ts';
import { createFreshTokens } from './sessions/launch/fresh-tokens.ts';
import { createLaunch } from './sessions/launch/launch.ts';
import { createPhaseTimer } from './sessions/launch/phases.ts';
import { createSessionLimit } from './sessions/launch/session-limit.ts';
import { createSessionSecrets } from './sessions/launch/session-secrets.ts';
import { createPresenter } from './sessions/presentation/presenter.ts';
import { sessionAddress } from './sessions/presentation/url.ts';
import { createSessionStore, type SessionStore, type SessionStoreParts } from './sessions/read/store.ts';
import { sessionRoutes } from './sessions/routes.ts';
import { snapshotRoutes } from './snapshots/routes.ts';
import { createSnapshots } from './snapshots/snapshots.ts';
import { syncFolderRoutes } from './sync-folders/routes.ts';
import { createSyncFolders } from './sync-folders/sync-folders.ts';
import { workRoutes } from './work/routes.ts';
import { createWork } from './work/work.ts';

/** Milliseconds that requests in progress have to finish when the service stops. */
const stopGraceMs = 10_000;

export interface Service {
  readonly server: Server;
  /** Resolves when the service accepts requests. Until the session cache has synced, reads go to the Kubernetes API. */
  start(address: Address): Promise<void>;
  /**
   * Is not ready any more, accepts no new connections after `server.shutdown_delay_ms`, lets requests in progress finish for
   * up to 10 s, and releases all resources.
   */
  stop(): Promise<void>;
}

/** Creates the service with all its parts. Nothing runs before `start`. */
export function createService(parts: {
  config: Config;
  log: Logger;
  client: KubernetesConnection;
  /** None by default. */
  metrics?: Metrics;
  /** The metric of calls to other servers, which `client` uses, too. */
  calls?: OutboundCalls;
  /** For tests: the timing of the session cache, and the milliseconds of silence after which it is not ready. */
  timing?: SessionStoreParts['timing'];
  silenceLimitMs?: number;
  /** For tests: a response that does not match the document becomes an error. */
  validateResponses?: boolean;
}): Service {
  const { config, log, client, metrics = noMetrics, calls, timing, silenceLimitMs, validateResponses = false } = parts;
  /** Aborts when the service must not get new connections any more, and when it ends. */
  const [draining, stopping] = [new AbortController(), new AbortController()];
  const http = createOutboundHttp({
    allowedNetworks: config.outbound.allowed_networks,
    exemptHosts: ownHosts(config),
    ...(calls && { calls }),
  });
  const gitlab = createGitLab({ http, log });
  const agents = createSessionAgents({ ...(calls && { calls }) });
  const images = createImageChecker({ config, http });
  const onWatchEnd = createWatchMetric(metrics, [config.amalthea.plural]);
  const store = createSessionStore({ client, config, log, onWatchEnd, ...(timing && { timing }) });
  addCacheMetrics(metrics, store);
  const secrets = createSessionSecrets(client, config);
  const tokens = createFreshTokens(agents, config.sessions.agent_secrets, log);
  const resourceClasses =
    config.crc_url && !config.dummy_stores ? createResourceClasses({ url: config.crc_url, http, log }) : undefined;
  const offered = createOfferedPools(config, resourceClasses);
  const present = createPresenter(config);
  const limits = createCallerLimits(config.limits);
  addStreamMetric(metrics, { logs: limits.logStreams, events: limits.eventStreams });
  const events = createSessionEvents({
    ...{ sessions: store, responses: present },
    limit: limits.eventStreams,
    stopping: stopping.signal,
  });
  const autosaves = createAutosaveCleanUp({ gitlab, log });
  const sessionLimit = createSessionLimit(config.limits.sessions_per_user);
  const timePhase = createPhaseTimer(metrics);
  const launchParts = {
    ...{ store, secrets, tokens, autosaves, gitlab, images, offered, config, log },
    ...{ launchLimit: limits.launches, sessionLimit, timePhase },
  };

  const app = createApp({
    config,
    log,
    metrics,
    document: loadDocument(config.service_prefix),
    curlOptions: config.docs.curl_options,
    identify: createIdentity({ config, http, log }),
    health: healthRoutes({
      prefix: config.service_prefix,
      dependencies: [kubernetesDependency(store, silenceLimitMs)],
      stopping: draining.signal,
    }),
    routes: [
      sessionRoutes({
        store,
        launch: createLaunch(launchParts),
        dryRun: createDryRun({ ...launchParts, present }),
        restart: createRestart({ client, store, secrets, log }),
        stop: createStop({ store, agents, config, log }),
        change: createChange({ store, secrets, tokens, agents, offered, config, log }),
        present,
        follow: events.all,
        config,
      }),
      eventRoutes({ sessions: store, events }),
      workRoutes({
        work: createWork({ sessions: store, agents, config }),
        limit: limits.eventStreams,
        stopping: stopping.signal,
      }),
      kernelRoutes(createKernels({ sessions: store, agents, config })),
      snapshotRoutes(createSnapshots({ sessions: store, agents, config })),
      syncFolderRoutes({
        folders: createSyncFolders({ sessions: store, agents, config }),
        limit: limits.eventStreams,
        stopping: stopping.signal,
      }),
      accessTokenRoutes({
        tokens: createAccessTokens({
          sessions: store,
          config,
          addressOf: (session) => sessionAddress(session, config),
        }),
      }),
      logRoutes({ client, sessions: store, log, limit: limits.logStreams, stopping: stopping.signal }),
      imagesRoutes({ checker: images, limit: limits.imageChecks }),
      optionsRoutes(config, offered),
      autosaveRoutes({ gitlab, config }),
      versionRoutes(config),
    ],
    validateResponses,
    pages: pagesRoutes({ config, gitlab, log }),
    pageErrors: pageErrors({ config, log, explain: toApiError }),
  });
  const server = createHttpServer(app, draining.signal);

  return {
    server,
    async start(address) {
      await listen(server, address);
      store.start().then(
        // `start` also resolves if the service stops before the cache has synced.
        () => store.synced && log.info('all sessions are known'),
        (err: unknown) => log.error({ err }, 'the session cache has stopped'),
      );
    },
    async stop() {
      draining.abort();
      if (server.listening) await sleep(config.server.shutdown_delay_ms);
      stopping.abort();
      await close(server, stopGraceMs);
      await Promise.all([autosaves.stop(), tokens.stop()]);
      await store.stop();
      await Promise.all([http.close(), agents.close(), client.close()]);
    },
  };
}

/** Adds the size and the age of the session cache. */
function addCacheMetrics(metrics: Metrics, store: Pick<SessionStore, 'size' | 'lastCurrentAt'>): void {
  metrics.gauge({
    name: 'cache_sessions',
    help: 'Sessions in the cache.',
    labels: {},
    read: () => [[{}, store.size]],
  });
  metrics.gauge({
    name: 'cache_age_seconds',
    help: 'Seconds since the cache was last known to match the Kubernetes API; NaN before the first list.',
    labels: {},
    read: () => [[{}, store.lastCurrentAt === undefined ? Number.NaN : (Date.now() - store.lastCurrentAt) / 1000]],
  });
}

/** Adds the number of open streams of events, by their content. */
function addStreamMetric(metrics: Metrics, streams: Readonly<Record<string, Pick<CallerLimit, 'total'>>>): void {
  metrics.gauge({
    name: 'open_streams',
    help: 'Open streams of server-sent events.',
    labels: { content: Object.keys(streams) },
    read: () => Object.entries(streams).map(([content, { total }]) => [{ content }, total] as const),
  });
}

/** Returns the hosts that the administrator has configured: their addresses may be internal. */
function ownHosts({ git, crc_url, identity }: Pick<Config, 'git' | 'crc_url' | 'identity'>): string[] {
  const urls = [git.url, crc_url, identity.jwks_url].filter((url) => url !== null);
  return [...new Set([git.registry, ...urls.map((url) => new URL(url).host)])];
}
