import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from './load.ts';

const least = { NB_SESSIONS__INGRESS__HOST: 'sessions.example.org' };
const load = (env: Record<string, string> = {}) => loadConfig({ ...least, ...env }).config;

function problemsOf(env: Record<string, string>): Record<string, string> {
  try {
    loadConfig(env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return Object.fromEntries(error.problems.map(({ key, reason }) => [key, reason]));
  }
  throw new Error('was accepted');
}

describe('the configuration', () => {
  it('needs only a host for sessions, and has the original’s defaults', () => {
    expect(load()).toMatchObject({
      service_prefix: '/notebooks',
      anonymous_sessions_enabled: false,
      identity: { gateway: 'trusted', jwks_url: null },
      git: { url: 'https://gitlab.com', registry: 'registry.gitlab.com' },
      k8s: { renku_namespace: 'renku', sessions_namespace: null },
      server_options: { defaults: { defaultUrl: '/lab', lfs_auto_fetch: false } },
      request: { deadline_ms: 10_000, body_limit_bytes: 1_048_576, allowed_hosts: [] },
      sessions: {
        default_image: 'renku/singleuser:latest',
        culling: { registered: { idle_seconds: 86_400, max_age_seconds: 0 } },
        ingress: { host: 'sessions.example.org', tls_secret: null, annotations: {} },
        enforce_cpu_limits: 'off',
        termination_warning_duration_seconds: 43_200,
        containers: { registered: ['jupyter-server', 'oauth2-proxy', 'git-proxy', 'git-sidecar'] },
      },
    });
    expect(load().resource_pools[0]?.classes.filter((each) => each.default)).toHaveLength(1);
    expect(load().version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(problemsOf({})).toEqual({ 'sessions.ingress.host': 'is required' });
  });

  it('takes every form of a variable', () => {
    const config = load({
      NB_ANONYMOUS_SESSIONS_ENABLED: 'True',
      NB_SESSIONS__CULLING__REGISTERED__IDLE_SECONDS: '1e+06',
      NB_SESSIONS__CULLING__ANONYMOUS__MAX_AGE_SECONDS: ' 604800 ',
      NB_REQUEST__ALLOWED_HOSTS_0: 'One.example.org:8000',
      NB_REQUEST__ALLOWED_HOSTS_1: 'two.example.org',
      NB_SESSIONS__CA_CERTS__SECRETS_0__SECRET: 'first-ca',
      NB_SESSIONS__CONTAINERS__ANONYMOUS_: '["jupyter-server"]',
      NB_SESSIONS__INGRESS__ANNOTATIONS:
        'kubernetes.io/ingress.class: nginx\nnginx.ingress.kubernetes.io/proxy-body-size: "0"\n',
      NB_SESSIONS__TOLERATIONS: '[{key: dedicated, operator: Exists}]',
      NB_SESSIONS__NODE_SELECTOR: '{"kind": "notebooks"}',
      NB_SESSIONS__AFFINITY: '',
      NB_SESSIONS__ENFORCE_CPU_LIMITS: 'false',
      NB_SESSIONS__INGRESS__TLS_SECRET: '',
      NB_GIT__URL: 'https://gitlab.example.org/gitlab/',
      NB_SERVICE_PREFIX: '/api/notebooks/',
      NB_OUTBOUND__ALLOWED_NETWORKS_0: '10.0.0.0/8',
      NB_OUTBOUND__ALLOWED_NETWORKS_1: 'fd00::1',
      NB_RESOURCE_POOLS_:
        '[{"id": 7, "name": "p", "default": true, "quota": {"id": "q"}, "classes": [{"id": 1, "name": "c", "default": true, "cpu": 0.5, "memory": 1, "max_storage": 9}]}]',
    });
    expect(config).toMatchObject({
      anonymous_sessions_enabled: true,
      service_prefix: '/api/notebooks',
      git: { url: 'https://gitlab.example.org/gitlab' },
      request: { allowed_hosts: ['one.example.org:8000', 'two.example.org'] },
      outbound: { allowed_networks: ['10.0.0.0/8', 'fd00::1/128'] },
      sessions: {
        culling: { registered: { idle_seconds: 1_000_000 }, anonymous: { max_age_seconds: 604_800 } },
        ca_certs: { secrets: [{ secret: 'first-ca' }] },
        containers: { anonymous: ['jupyter-server'] },
        ingress: {
          tls_secret: null,
          annotations: { 'kubernetes.io/ingress.class': 'nginx', 'nginx.ingress.kubernetes.io/proxy-body-size': '0' },
        },
        tolerations: [{ key: 'dedicated', operator: 'Exists' }],
        node_selector: { kind: 'notebooks' },
        affinity: {},
        enforce_cpu_limits: 'off',
      },
    });
    expect(config.resource_pools).toEqual([
      {
        id: 7,
        name: 'p',
        default: true,
        quota: { id: 'q' },
        classes: [{ id: 1, name: 'c', default: true, cpu: 0.5, memory: 1, gpu: 0, default_storage: 1, max_storage: 9 }],
      },
    ]);
    expect(load({ NB_SERVICE_PREFIX: '/' }).service_prefix).toBe('');
  });

  it('tells all problems at once, by key, without a value', () => {
    const secret = 'hunter2';
    const env = {
      NB_SERVICE_PREFIX: 'notebooks',
      NB_ANONYMOUS_SESSIONS_ENABLED: 'yes',
      NB_SESSIONS__INGRESS__HOST: 'https://sessions.example.org',
      NB_SESSIONS__CULLING__REGISTERED__IDLE_SECONDS: '1.5',
      NB_SESSIONS__CULLING__REGISTERED__MAX_AGE_SECONDS: '-1',
      NB_SESSIONS__CULLING__ANONYMOUS__IDLE_SECONDS: 'a day',
      NB_SESSIONS__ENFORCE_CPU_LIMITS: 'maybe',
      NB_SESSIONS__TOLERATIONS: '{ not: a list }',
      NB_SESSIONS__AFFINITY: `{"${secret}`,
      NB_RESOURCE_POOLS_: `[${secret}`,
      NB_REQUEST__ALLOWED_HOSTS_1: 'b.example.org',
      NB_REQUEST__ALLOWED_ORIGINS_0: 'example.org',
      NB_OUTBOUND__ALLOWED_NETWORKS_0: '10.0.0.0/33',
      NB_GIT__URL: `https://user:${secret}@gitlab.example.org`,
      NB_IDENTITY__GATEWAY: 'verified',
      NB_IDENTITY__COOKIE_SECRET: secret,
      NB_K8S__RENKU_NAMESPACE: 'Not_A_Namespace',
      NB_K8S__SESSIONS_NAMESPACE__DEEPER: 'x',
    };
    const problems = problemsOf(env);
    expect(Object.keys(problems).sort()).toEqual(
      [
        'NB_RESOURCE_POOLS_',
        'anonymous_sessions_enabled',
        'git.url',
        'identity.cookie_secret',
        'k8s.renku_namespace',
        'k8s.sessions_namespace',
        'outbound.allowed_networks.0',
        'request.allowed_hosts',
        'request.allowed_origins.0',
        'service_prefix',
        'sessions.affinity',
        'sessions.culling.anonymous.idle_seconds',
        'sessions.culling.registered.idle_seconds',
        'sessions.culling.registered.max_age_seconds',
        'sessions.enforce_cpu_limits',
        'sessions.ingress.host',
        'sessions.tolerations',
      ].sort(),
    );
    expect(JSON.stringify(problems)).not.toContain(secret);
    expect(() => loadConfig(env)).toThrow(/^the configuration has 17 problems:\n {2}NB_RESOURCE_POOLS_ must/);
  });

  it('needs to know the issuer before it verifies anything', () => {
    const verified = { ...least, NB_IDENTITY__GATEWAY: 'verified' };
    expect(Object.keys(problemsOf(verified))).toEqual(['identity.jwks_url', 'identity.issuer', 'identity.audience']);
  });

  it('refuses a key that is set as a value and as a group', () => {
    expect(problemsOf({ ...least, NB_GIT: 'x', NB_GIT__URL: 'https://gitlab.example.org' })).toHaveProperty(
      'NB_GIT__URL',
    );
    expect(problemsOf({ ...least, NB_GIT_: '{}', NB_GIT__URL: 'https://gitlab.example.org' })).toHaveProperty(
      'NB_GIT__URL',
    );
  });

  it('warns of keys that are not known, and says which of the original’s have no effect', () => {
    const { warnings } = loadConfig({
      ...least,
      NB_IDENTITY__GATEWAY: 'off',
      NB_SESIONS__DEFAULT_IMAGE: 'x',
      NB_GIT__URLL: 'x',
      NB___PROTO____POLLUTED: 'x',
      NB_SESSIONS__OIDC__TOKEN_URL: 'x',
      NB_SENTRY__ENABLED: 'false',
      OTHER: 'x',
    });
    expect(warnings).toEqual([
      expect.stringMatching(/not known.*: (?=.*sesions\.default_image)(?=.*git\.urll)/),
      expect.stringMatching(/no effect: (?=.*sessions\.oidc\.token_url)(?=.*sentry\.enabled)/),
    ]);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('warns of what is dangerous', () => {
    const { warnings } = loadConfig({
      ...least,
      NB_ANONYMOUS_SESSIONS_ENABLED: 'true',
      NB_REQUEST__ALLOWED_HOSTS_0: 'sessions.example.org',
    });
    expect(warnings.map((warning) => warning.split(' ')[0])).toEqual([
      'identity.gateway',
      'identity.cookie_secret',
      'sessions.oidc.client_secret',
      'sessions.ingress.host',
    ]);
  });

  it('cannot be changed', () => {
    const config = load() as { sessions: { culling: { registered: { idle_seconds: number } } } };
    expect(() => {
      config.sessions.culling.registered.idle_seconds = 1;
    }).toThrow(TypeError);
  });
});

describe('the defaults of sessions', () => {
  const directory = mkdtempSync(join(tmpdir(), 'config-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const file = (name: string, content: string): string => {
    const path = join(directory, name);
    writeFileSync(path, content);
    return path;
  };

  it('come from the original’s file, under what is given directly', () => {
    const path = file(
      'defaults.json',
      '{"defaultUrl": "/rstudio", "lfs_auto_fetch": true, "cpu_request": 0.5, "mem_request": "1G"}',
    );
    const env = { NB_SERVER_OPTIONS__DEFAULTS_PATH: path };
    expect(load(env).server_options.defaults).toEqual({ defaultUrl: '/rstudio', lfs_auto_fetch: true });
    const both = { ...env, NB_SERVER_OPTIONS__DEFAULTS__LFS_AUTO_FETCH: 'false' };
    expect(loadConfig({ ...least, ...both }).config.server_options.defaults).toEqual({
      defaultUrl: '/rstudio',
      lfs_auto_fetch: false,
    });
    expect(loadConfig({ ...least, ...env }).warnings.join()).not.toContain('cpu_request');
  });

  it.each([
    ['a file that is not there', () => join(directory, 'nothing.json')],
    ['a file that is no JSON', () => file('broken.json', '{')],
    ['a file that holds a list', () => file('list.json', '[]')],
  ])('are refused from %s', (_what, path) => {
    expect(Object.keys(problemsOf({ ...least, NB_SERVER_OPTIONS__DEFAULTS_PATH: path() }))).toEqual([
      'server_options.defaults_path',
    ]);
  });
});
