import type { Server } from 'node:http';
import type { Logger } from 'pino';
import { createApp } from './app.ts';
import type { Config } from './config/types.ts';
import { type Dependency, healthRoutes, versionRoutes } from './health/routes.ts';
import { createIdentity } from './identity/identify.ts';
import { createImageChecker } from './images/image-checker.ts';
import { imagesRoutes } from './images/routes.ts';
import { logRoutes } from './logs/routes.ts';
import { pageErrors } from './pages/page-errors.ts';
import { pagesRoutes } from './pages/routes.ts';
import { loadDocument } from './pipeline/document.ts';
import { asApiError } from './pipeline/faults.ts';
import { type Address, close, createHttpServer, listen } from './pipeline/http-server.ts';
import { createGitLab } from './platform/gitlab/client.ts';
import type { KubernetesConnection } from './platform/kubernetes/types.ts';
import { createOutboundHttp } from './platform/outbound-http/outbound-http.ts';
import { createCredentials } from './sessions/credentials.ts';
import { createLaunch } from './sessions/launch.ts';
import { createPresenter } from './sessions/presentation/presenter.ts';
import { sessionRoutes } from './sessions/routes.ts';
import { createSessionStore, type SessionStore } from './sessions/store.ts';

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
export function createService(parts: { config: Config; log: Logger; client: KubernetesConnection }): Service {
  const { config, log, client } = parts;
  const stopping = new AbortController();
  const gitlab = createGitLab({ log });
  const http = createOutboundHttp({ allowedNetworks: config.outbound.allowed_networks, exemptHosts: ownHosts(config) });
  const images = createImageChecker({ config, http });
  const store = createSessionStore({ client, config, log });
  const credentials = createCredentials(client, config);
  const launch = createLaunch({ store, credentials, gitlab, images, config, log });

  const app = createApp({
    config,
    log,
    document: loadDocument(config.service_prefix),
    identify: createIdentity({ config, log }),
    health: healthRoutes({
      prefix: config.service_prefix,
      dependencies: [kubernetes(store)],
      stopping: stopping.signal,
    }),
    routes: [
      sessionRoutes({ store, launch, present: createPresenter(config), config }),
      logRoutes({ client, sessions: store, log, stopping: stopping.signal }),
      imagesRoutes({ checker: images }),
      versionRoutes(config),
    ],
    pages: pagesRoutes({ config, gitlab, log }),
    pageErrors: pageErrors({ config, log, explain: asApiError }),
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
      await store.stop();
      await Promise.all([http.close(), client.close()]);
    },
  };
}

/** Hosts that the operator of the platform has configured: no check whether they are inside. */
function ownHosts({ git }: Config): string[] {
  return [...new Set([new URL(git.url).host, git.registry])];
}

function kubernetes(store: SessionStore): Dependency {
  return {
    name: 'kubernetes',
    required: true,
    state() {
      if (!store.synced) return { ready: false, detail: 'the sessions have not been listed yet' };
      const seconds = store.lastContactAt === undefined ? 0 : Math.round((Date.now() - store.lastContactAt) / 1000);
      return { ready: true, detail: `all sessions are known, as of ${Math.max(0, seconds)} s ago` };
    },
  };
}
