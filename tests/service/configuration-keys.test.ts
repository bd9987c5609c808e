import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { keyNames } from '../../src/config/describe.ts';
import { keysWithoutEffect } from '../../src/config/keys.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/types.ts';
import { isObject } from '../../src/lib/json.ts';
import { createKubernetesClient } from '../../src/platform/kubernetes/client.ts';
import { parseKubeConfig } from '../../src/platform/kubernetes/kubeconfig.ts';
import { createService } from '../../src/service.ts';
import { send } from '../support/app.ts';
import { type Backends, startBackends } from '../support/sessions/backends.ts';
import { commitSha } from '../support/sessions/fake-gitlab.ts';
import { headersOfJohn } from '../support/whole-service.ts';

let backends: Backends;
beforeAll(async () => {
  backends = await startBackends();
});
afterAll(() => backends.close());

const keys = new Set(keyNames());

/** Returns a copy of a configuration whose keys add their names to `read` when they are read. */
function recorded<T extends object>(value: T, read: Set<string>, group = ''): T {
  const copy = { ...value };
  for (const [name, inner] of Object.entries(value)) {
    const key = group === '' ? name : `${group}.${name}`;
    const result: unknown = isObject(inner) && !keys.has(key) ? recorded(inner, read, key) : inner;
    Object.defineProperty(copy, name, {
      get() {
        read.add(key);
        return result;
      },
    });
  }
  return copy;
}

/** Every part of a session that a key can switch on. */
const everything = {
  NB_SESSIONS__INGRESS__HOST: 'sessions.example.org',
  NB_ANONYMOUS_SESSIONS_ENABLED: 'true',
  NB_SESSIONS__SSH__ENABLED: 'true',
  NB_SESSIONS__SSH__HOST_KEY_SECRET: 'host-keys',
  NB_SESSIONS__CA_CERTS__SECRETS: '[{ secret: platform-ca }]',
  NB_SESSIONS__GIT_CLONE__SENTRY__ENABLED: 'true',
  NB_SESSIONS__GIT_CLONE__SENTRY__DSN: 'https://key@sentry.example.org/1',
  NB_SESSIONS__GIT_RPC_SERVER__SENTRY__ENABLED: 'true',
  NB_SESSIONS__GIT_RPC_SERVER__SENTRY__DSN: 'https://key@sentry.example.org/1',
  NB_CLOUD_STORAGE__S3__ENABLED: 'true',
  NB_CLOUD_STORAGE__AZURE_BLOB__ENABLED: 'true',
  NB_SESSIONS__CULLING__REGISTERED__MAX_AGE_SECONDS: '60',
};

const verified = {
  NB_IDENTITY__GATEWAY: 'verified',
  NB_IDENTITY__JWKS_URL: 'https://id.example.org/keys',
  NB_IDENTITY__ISSUER: 'https://id.example.org',
  NB_IDENTITY__AUDIENCE: 'renku',
  NB_CRC_URL: 'https://crc.example.org',
};

/** loadConfig reads the files that these keys name; their content is in `server_options`. */
const readByLoader = ['server_options.defaults_path', 'server_options.ui_choices_path'];
/** Tested in src/main.test.ts. */
const readByMain = ['metrics.enabled', 'metrics.port'];

const buckets = [
  { endpoint: 'https://s3.example.org', bucket: 'open-data' },
  { endpoint: 'https://account.blob.core.windows.net', bucket: 'private-data', secret_key: 'the-key' },
];

/** Runs the service, launches and shows sessions, and adds the keys that the service reads to `read`. */
async function recordReads(read: Set<string>, env: Record<string, string>, visitor: string): Promise<void> {
  const { cluster, gitlab, registry } = backends;
  const { config } = loadConfig({ ...everything, NB_GIT__URL: gitlab.url, NB_GIT__REGISTRY: registry.host, ...env });
  const log = pino({ level: 'silent' });
  const client = createKubernetesClient({ kubeconfig: await parseKubeConfig(cluster.kubeconfig), log });
  const service = createService({ config: recorded<Config>(config, read), log, client });
  await service.start({ host: '127.0.0.1', port: 0 });
  if (!service.server.listening) await once(service.server, 'listening');
  const { port } = service.server.address() as AddressInfo;
  const callers = [headersOfJohn(gitlab.url), { 'renku-auth-anon-id': visitor }];
  try {
    for (const caller of callers) {
      const headers = { ...caller, 'content-type': 'application/json' };
      for (const image of [undefined, `${registry.host}/my-group/my-project:latest`]) {
        const project = { namespace: 'my-group', project: 'my-project', commit_sha: commitSha };
        const body = JSON.stringify({ ...project, image, cloudstorage: buckets });
        await send(port, { method: 'POST', path: '/notebooks/servers', headers, body });
      }
      for (const path of [
        '/servers',
        '/server_options',
        '/version',
        '/images?image_url=x',
        '/docs/',
        '/resource_classes',
      ]) {
        await send(port, { path: `/notebooks${path}`, headers });
      }
    }
  } finally {
    service.server.closeAllConnections();
    await service.stop();
  }
}

it('reads every key of the table, and none of the keys without effect', async () => {
  const read = new Set([...readByLoader, ...readByMain]);
  await recordReads(read, {}, 'anon-one');
  await recordReads(read, verified, 'anon-two');
  // Without an image of the project, a session has the default image, whose working directory is configured.
  backends.registry.fault = () => 404;
  await recordReads(read, {}, 'anon-three');
  // Only this project's programs have some settings.
  const ours = {
    NB_SESSIONS__GIT_CLONE__PROGRAM: 'notebook-sessions',
    NB_SESSIONS__GIT_PROXY__PROGRAM: 'notebook-sessions',
    NB_SESSIONS__GIT_RPC_SERVER__PROGRAM: 'notebook-sessions',
  };
  // On another cluster, because the sessions above would be returned as they are.
  await backends.close();
  backends = await startBackends();
  await recordReads(read, ours, 'anon-four');
  expect([...keys].filter((key) => !read.has(key))).toEqual([]);
  expect([...keys].filter((key) => Object.hasOwn(keysWithoutEffect, key))).toEqual([]);
});
