import express, { type Router } from 'express';
import type { Config } from '../config/types.ts';
import { ApiError, errorKind } from '../errors.ts';
import type { VersionResponse } from '../generated/openapi.ts';
import { createRoutes } from '../pipeline/route.ts';

/** A server that requests depend on. Its state is read at every probe, so it must not make a call. */
export interface Dependency {
  readonly name: string;
  /** The service is not ready without this dependency. Dependencies with error responses of their own are not required. */
  readonly required: boolean;
  state(): { ready: boolean; detail: string };
}

/** Returns `/health` and `/ready`, outside of the prefix and for every caller: probes have no host name and no identity. */
export function healthRoutes(options: {
  prefix: string;
  dependencies: readonly Dependency[];
  stopping: AbortSignal;
}): Router {
  const { prefix, dependencies, stopping } = options;
  const alive = `Notebook Sessions is running under the prefix ${prefix || '/'}.`;
  const routes = createRoutes(express.Router({ caseSensitive: true, strict: true }));

  routes.get('/health', (_req, res) => {
    res.type('html').send(alive);
  });

  routes.get('/ready', (_req, res) => {
    const states = dependencies.map(({ name, required, state }) => ({ name, required, ...state() }));
    if (stopping.aborted)
      states.push({ name: 'service', required: true, ready: false, detail: 'the service is being stopped' });
    const body = {
      ready: states.every(({ ready, required }) => ready || !required),
      dependencies: states.map(({ name, ready, required, detail }) => ({ name, ready, required, detail })),
    };
    res.status(body.ready ? 200 : 503).json(body);
  });

  routes.router.all(['/health', '/ready'], (req, res) => {
    const allow = 'GET, HEAD, OPTIONS';
    if (req.method === 'OPTIONS') return void res.set('Allow', allow).status(204).end();
    throw new ApiError(errorKind.methodNotAllowed, `This address does not support ${req.method}.`, {
      detail: `Allowed: ${allow}.`,
      headers: { Allow: allow },
    });
  });
  return routes.router;
}

/** Returns `GET /version`, with the response of the original service. */
export function versionRoutes(
  config: Pick<Config, 'version' | 'anonymous_sessions_enabled' | 'ssh_enabled' | 'cloud_storage'>,
): Router {
  const { s3, azure_blob } = config.cloud_storage;
  const body: VersionResponse = {
    name: 'renku-notebooks',
    versions: [
      {
        version: config.version,
        data: {
          anonymousSessionsEnabled: config.anonymous_sessions_enabled,
          cloudstorageEnabled: { s3: s3.enabled, azure_blob: azure_blob.enabled },
          sshEnabled: config.ssh_enabled,
        },
      },
    ],
  };
  const routes = createRoutes();
  routes.get('/version', (_req, res) => {
    res.json(body);
  });
  return routes.router;
}
