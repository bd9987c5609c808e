import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ownerKey } from '../../src/identity/owner.ts';
import { type ServiceProgram, startServiceProgram, stopServicePrograms } from '../support/service-program.ts';
import { type Backends, startBackends } from '../support/sessions/backends.ts';
import { commitSha } from '../support/sessions/fake-gitlab.ts';
import { anonymous } from '../support/sessions/service.ts';

const directory = mkdtempSync(join(tmpdir(), 'service-configuration-'));
let backends: Backends;
let base: Record<string, string>;

beforeAll(async () => {
  backends = await startBackends();
  const kubeconfig = join(directory, 'kubeconfig');
  writeFileSync(kubeconfig, backends.cluster.kubeconfig);
  base = { PATH: process.env['PATH'] ?? '', KUBECONFIG: kubeconfig, HOST: '127.0.0.1', PORT: '0' };
});
afterEach(stopServicePrograms);
afterAll(async () => {
  await backends.close();
  rmSync(directory, { recursive: true });
});

function configFile(text: string): string {
  const path = join(directory, '.config.hocon');
  writeFileSync(path, text);
  return path;
}

/** The format and keys of the file that developers of the original service copy, with an outdated key. */
const originals = (gitlab: string, registry: string): string => `sessions {
    ingress {
        host = dev.example.org
        tls_secret = dev-example-org
    }
    oidc {
        allow_unverified_email = True
        client_secret = the-client-secret
        token_url = https://dev.example.org/auth/realms/Renku/protocol/openid-connect/token
        auth_url = https://dev.example.org/auth/realms/Renku/protocol/openid-connect/auth
    }
    default_image = renku/singleuser:0.13.1
    git_proxy {
        image = renku/git-https-proxy:1.18.1
    }
    git_clone {
        image = renku/git-clone:1.18.1
    }
    git_rpc_server {
        image = renku/git-rpc-server:1.18.1
    }
}
git {
    url = ${gitlab}
    registry = ${registry}
}
k8s {
    namespace = renku
}
`;

/** The variables that the original's chart sets: all strings, with Helm's number format and empty values. */
const charts = (gitlab: string, registry: string): Record<string, string> => ({
  NB_SESSIONS__STORAGE__PVS_ENABLED: 'true',
  NB_SESSIONS__STORAGE__PVS_STORAGE_CLASS: '',
  NB_SESSIONS__STORAGE__USE_EMPTY_DIR_SIZE_LIMIT: 'false',
  NB_SESSIONS__DEFAULT_IMAGE: 'renku/renkulab-py:3.9-0.18.0',
  NB_SESSIONS__OIDC__CLIENT_ID: 'renku-jupyterserver',
  NB_SESSIONS__OIDC__CLIENT_SECRET: 'the-client-secret',
  NB_SESSIONS__OIDC__AUTH_URL: 'https://dev.example.org/auth/realms/Renku/protocol/openid-connect/auth',
  NB_SESSIONS__OIDC__TOKEN_URL: 'https://dev.example.org/auth/realms/Renku/protocol/openid-connect/token',
  NB_SESSIONS__OIDC__ALLOW_UNVERIFIED_EMAIL: 'false',
  NB_SESSIONS__INGRESS__HOST: 'dev.example.org',
  NB_SESSIONS__INGRESS__TLS_SECRET: 'dev-example-org',
  NB_SESSIONS__INGRESS__ANNOTATIONS:
    'kubernetes.io/ingress.class: nginx\nnginx.ingress.kubernetes.io/proxy-body-size: "0"\n',
  NB_SESSIONS__GIT_PROXY__IMAGE: 'renku/git-https-proxy:1.18.1',
  NB_SESSIONS__GIT_PROXY__PORT: '65480',
  NB_SESSIONS__GIT_PROXY__HEALTH_PORT: '65481',
  NB_SESSIONS__GIT_PROXY__RENKU_CLIENT_ID: 'renku',
  NB_SESSIONS__GIT_PROXY__RENKU_CLIENT_SECRET: 'the-proxy-secret',
  NB_SESSIONS__GIT_PROXY__SENTRY__ENABLED: 'false',
  NB_SESSIONS__GIT_CLONE__IMAGE: 'renku/git-clone:1.18.1',
  NB_SESSIONS__GIT_CLONE__SENTRY__ENABLED: 'false',
  NB_SESSIONS__GIT_CLONE__SENTRY__DSN: 'https://the-dsn@sentry.example.org/1',
  NB_SESSIONS__GIT_CLONE__SENTRY__ENV: '',
  NB_SESSIONS__GIT_CLONE__SENTRY__SAMPLE_RATE: '0.2',
  NB_SESSIONS__GIT_RPC_SERVER__IMAGE: 'renku/git-rpc-server:1.18.1',
  NB_SESSIONS__CULLING__REGISTERED__IDLE_SECONDS: '86400',
  NB_SESSIONS__CULLING__REGISTERED__MAX_AGE_SECONDS: '0',
  NB_SESSIONS__CULLING__ANONYMOUS__IDLE_SECONDS: '43200',
  NB_SESSIONS__CULLING__ANONYMOUS__MAX_AGE_SECONDS: '1e+06',
  NB_SESSIONS__CA_CERTS__IMAGE: 'renku/certificates:0.0.2',
  NB_SESSIONS__CA_CERTS__SECRETS: '- secret: platform-ca\n',
  NB_SESSIONS__NODE_SELECTOR: 'node-role.kubernetes.io/worker: ""\n',
  NB_SESSIONS__TOLERATIONS: '- key: dedicated\n  operator: Exists\n',
  NB_SESSIONS__ENFORCE_CPU_LIMITS: 'off',
  NB_SESSIONS__TERMINATION_GRACE_PERIOD_SECONDS: '600',
  NB_SESSIONS__TERMINATION_WARNING_DURATION_SECONDS: '3600',
  NB_SESSIONS__AUTOSAVE_MINIMUM_LFS_FILE_SIZE_BYTES: '1e+06',
  NB_SESSIONS__SSH__ENABLED: 'false',
  NB_GIT__URL: gitlab,
  NB_GIT__REGISTRY: registry,
  NB_ANONYMOUS_SESSIONS_ENABLED: 'true',
  NB_SSH_ENABLED: 'false',
  NB_AMALTHEA__GROUP: 'amalthea.dev',
  NB_AMALTHEA__VERSION: 'v1alpha1',
  NB_AMALTHEA__PLURAL: 'jupyterservers',
  NB_AMALTHEA__CACHE_URL: 'http://renku-notebooks-k8s-watcher',
  NB_SENTRY__ENABLED: 'false',
  NB_SENTRY__DSN: '',
  NB_SENTRY__SAMPLE_RATE: '0.2',
  NB_CLOUD_STORAGE__S3__ENABLED: 'false',
  NB_CLOUD_STORAGE__S3__READ_ONLY: 'true',
  NB_CLOUD_STORAGE__AZURE_BLOB__ENABLED: 'false',
  NB_VERSION: '1.18.1',
  NB_K8S__RENKU_NAMESPACE: 'renku',
  NB_K8S__SESSIONS_NAMESPACE: 'sessions',
  NB_KEYCLOAK_REALM: 'Renku',
  NB_DUMMY_STORES: 'true',
  NB_CRC_URL: 'http://renku-crc/api/data',
  FLASK_DEBUG: '0',
  KUBERNETES_NAMESPACE: 'renku',
  SENTRY_RELEASE: '1.18.1',
});

async function origin(service: ServiceProgram): Promise<string> {
  const { address } = (await service.says('listening')) as { address: { address: string; port: number } };
  return `http://${address.address}:${address.port}`;
}

const caller = { 'renku-auth-anon-id': 'anon-visitor', 'content-type': 'application/json' };

describe('the service alone', () => {
  it('starts with the original’s own configuration file', async () => {
    const { gitlab, registry } = backends;
    const CONFIG_FILE = configFile(originals(gitlab.url, registry.host));
    const service = startServiceProgram({ ...base, CONFIG_FILE });
    const response = await fetch(`${await origin(service)}/notebooks/version`);
    expect([response.status, await response.json()]).toMatchObject([200, { name: 'renku-notebooks' }]);
    expect(service.stdout()).toContain('k8s.namespace (the key is k8s.renku_namespace)');
    expect(service.stdout()).not.toContain('are unknown');
    service.child.kill('SIGTERM');
    expect([await service.exit, service.stderr()]).toEqual([0, '']);
  });

  it('starts with the variables of the original’s chart, and works with the sessions of both namespaces', async () => {
    const { cluster, gitlab, registry } = backends;
    const labels = { 'notebook-sessions.io/owner': ownerKey(anonymous(gitlab.url, 'anon-visitor', 'header')) };
    for (const namespace of ['renku', 'sessions', 'elsewhere']) {
      cluster.put({
        apiVersion: 'amalthea.dev/v1alpha1',
        kind: 'JupyterServer',
        metadata: { name: `in-${namespace}`, namespace, uid: namespace, labels },
      });
    }
    const service = startServiceProgram({ ...base, ...charts(gitlab.url, registry.host), LOG_LEVEL: 'debug' });
    const servers = `${await origin(service)}/notebooks/servers`;
    expect(await service.says('listening')).toMatchObject({
      kubernetes: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      namespaces: { renku_namespace: 'renku', sessions_namespace: 'sessions' },
    });
    const list = async () =>
      Object.keys(((await (await fetch(servers, { headers: caller })).json()) as Sessions).servers);
    expect((await list()).sort()).toEqual(['in-renku', 'in-sessions']);

    const body = JSON.stringify({ namespace: 'my-group', project: 'my-project', commit_sha: commitSha });
    const created = await fetch(servers, { method: 'POST', headers: caller, body });
    expect([created.status, await created.text()]).toEqual([201, expect.any(String)]);
    expect(cluster.objects('jupyterservers').map(({ metadata }) => metadata.namespace)).toEqual([
      'renku',
      'sessions',
      'elsewhere',
      'sessions',
    ]);
    expect(await list()).toHaveLength(3);

    // Even the debug log, which has the configuration, contains no secret.
    expect(await service.says('configuration')).toMatchObject({
      config: {
        sessions: {
          oidc: { client_secret: expect.stringMatching(/^\[(set|removed)\]$/) },
          git_proxy: { port: 65_480, renku_client_secret: '[set]' },
          git_clone: { sentry: { dsn: '[set]' } },
        },
        identity: { cookie_secret: expect.stringMatching(/^\[(not set|removed)\]$/) },
      },
    });
    for (const secret of ['the-client-secret', 'the-proxy-secret', 'the-dsn']) {
      expect(service.stdout() + service.stderr()).not.toContain(secret);
    }
  });

  it('reports five errors of a file in five lines, and does not start', async () => {
    const CONFIG_FILE = configFile(`
sessions {
  ingress { host = "https://sessions.example.org" }
  culling.registered.idle_seconds = a day
  oidc.client_secret = hunter?2
  enforce_cpu_limits = \${limits}
}
git.url = ftp://gitlab.example.org
`);
    const service = startServiceProgram({ ...base, CONFIG_FILE });
    expect(await service.exit).toBe(1);
    const [first, ...lines] = service.stderr().trimEnd().split('\n');
    expect(first).toBe('The service cannot start: the configuration has 5 errors:');
    expect(lines).toEqual(
      [
        [3, 'sessions.ingress.host must be host or host:port'],
        [4, 'sessions.culling.registered.idle_seconds must be a whole number from 0'],
        [5, 'sessions.oidc.client_secret cannot be read: the character ? must be quoted'],
        [
          6,
          `sessions.enforce_cpu_limits cannot be read: neither a key nor an environment variable gives $\{limits} a value`,
        ],
        [8, 'git.url must be an http or https address'],
      ].map(([line, reason]) => `  ${CONFIG_FILE}:${line}: ${reason}`),
    );
    expect(service.stdout() + service.stderr()).not.toContain('hunter');
  });

  it('listens on 0.0.0.0:8000 by default', async () => {
    // The port is in use: by this server, or by another program that listened first.
    const taken = createServer().listen(8000, '127.0.0.1');
    await Promise.race([once(taken, 'listening'), once(taken, 'error')]);
    try {
      const service = startServiceProgram({ ...base, HOST: '', PORT: '', NB_SESSIONS__INGRESS__HOST: 'x.example.org' });
      expect(await service.exit).toBe(1);
      expect(service.stderr()).toContain('0.0.0.0:8000 is already taken');
    } finally {
      taken.close();
    }
  });
});

interface Sessions {
  servers: Record<string, unknown>;
}
