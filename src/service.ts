import type { Server } from 'node:http';
import type { Logger } from 'pino';
import { createAccessTokens } from './access-tokens/access-tokens.ts';
import { accessTokenRoutes } from './access-tokens/routes.ts';
import { createApp } from './app.ts';
import { createAutosaveCleanUp } from './autosaves/clean-up.ts';
import { autosaveRoutes } from './autosaves/routes.ts';
import type { Config } from './config/types.ts';
import { toApiError } from './error-translation.ts';
import { kubernetesDependency } from './health/kubernetes.ts';
import { healthRoutes, versionRoutes } from './health/routes.ts';
import { createIdentity } from './identity/identify.ts';
import { createImageChecker } from './images/image-checker.ts';
import { imagesRoutes } from './images/routes.ts';
import { logRoutes } from './logs/routes.ts';
import { createOfferedPools } from './options/offered-pools.ts';
import { optionsRoutes } from './options/routes.ts';
import { pageErrors } from './pages/page-errors.ts';
import { pagesRoutes } from './pages/routes.ts';
import { loadDocument } from './pipeline/document.ts';
import { type Address, close, createHttpServer, listen } from './pipeline/http-server.ts';
import { createGitLab } from './platform/gitlab/client.ts';
import type { KubernetesConnection } from './platform/kubernetes/types.ts';
import { createOutboundHttp } from './platform/outbound-http/outbound-http.ts';
import { createResourceClasses } from './platform/resource-classes/client.ts';
import { createRestart } from './sessions/change/restart.ts';
import { createDryRun } from './sessions/launch/dry-run.ts';
import { createLaunch, createLaunchLimit } from './sessions/launch/launch.ts';
import { createCredentials } from './sessions/launch/session-secrets.ts';
import { createPresenter } from './sessions/presentation/presenter.ts';
import { sessionAddress } from './sessions/presentation/url.ts';
import { createSessionStore, type SessionStoreParts } from './sessions/read/store.ts';
import { sessionRoutes } from './sessions/routes.ts';

/** What is under way when the service is told to stop has this long to finish. */
const stopGraceMs = 10_000;

export interface Service {
  readonly server: Server;
  /** Resolves when requests are accepted. Sessions become known from then on; until they are, reads ask live. */
  start(address: Address): Promise<void>;
  /** Accepts nothing new, finishes what is under way within 10 s, and gives everything back. */
  stop(): Promise<void>;
}

/** The service, built from its parts: the only place that knows them all. Nothing runs before `start`. */
export function createService(parts: {
  config: Config;
  log: Logger;
  client: KubernetesConnection;
  /** For tests: how sessions are followed, and after how many milliseconds of silence the service is not ready. */
  timing?: SessionStoreParts['timing'];
  silenceLimitMs?: number;
  /** For tests: an answer that is not as documented becomes an error. */
  validateResponses?: boolean;
}): Service {
  const { config, log, client, timing, silenceLimitMs, validateResponses = false } = parts;
  const stopping = new AbortController();
  const gitlab = createGitLab({ log });
  const http = createOutboundHttp({ allowedNetworks: config.outbound.allowed_networks, exemptHosts: ownHosts(config) });
  const images = createImageChecker({ config, http });
  const store = createSessionStore({ client, config, log, ...(timing && { timing }) });
  const credentials = createCredentials(client, config);
  const resourceClasses =
    config.crc_url && !config.dummy_stores ? createResourceClasses({ url: config.crc_url, http, log }) : undefined;
  const offered = createOfferedPools(config, resourceClasses);
  const present = createPresenter(config);
  const autosaves = createAutosaveCleanUp({ gitlab, log });
  const launchLimit = createLaunchLimit();
  const launchParts = { store, credentials, autosaves, gitlab, images, offered, launchLimit, config, log };

  const app = createApp({
    config,
    log,
    document: loadDocument(config.service_prefix),
    curlOptions: config.docs.curl_options,
    identify: createIdentity({ config, log }),
    health: healthRoutes({
      prefix: config.service_prefix,
      dependencies: [kubernetesDependency(store, silenceLimitMs)],
      stopping: stopping.signal,
    }),
    routes: [
      sessionRoutes({
        store,
        launch: createLaunch(launchParts),
        dryRun: createDryRun({ ...launchParts, present }),
        restart: createRestart({ client, store, credentials, log }),
        present,
        config,
      }),
      accessTokenRoutes({
        tokens: createAccessTokens({
          sessions: store,
          config,
          addressOf: (session) => sessionAddress(session, config),
        }),
      }),
      logRoutes({ client, sessions: store, log, stopping: stopping.signal }),
      imagesRoutes({ checker: images }),
      optionsRoutes(config, offered),
      autosaveRoutes({ gitlab, config }),
      versionRoutes(config),
    ],
    validateResponses,
    pages: pagesRoutes({ config, gitlab, log }),
    pageErrors: pageErrors({ config, log, explain: toApiError }),
  });
  const server = createHttpServer(app);

  return {
    server,
    async start(address) {
      await listen(server, address);
      store.start().then(
        // It also ends when the service is stopped before.
        () => store.synced && log.info('all sessions are known'),
        (err: unknown) => log.error({ err }, 'the sessions cannot be followed'),
      );
    },
    async stop() {
      stopping.abort();
      await close(server, stopGraceMs);
      await autosaves.stop();
      await store.stop();
      await Promise.all([http.close(), client.close()]);
    },
  };
}

/** Hosts that the operator of the platform has configured: no check whether they are inside. */
function ownHosts({ git, crc_url }: Config): string[] {
  return [...new Set([new URL(git.url).host, git.registry, ...(crc_url ? [new URL(crc_url).host] : [])])];
}
