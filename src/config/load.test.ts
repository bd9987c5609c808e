import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { describeConfig, keyNames } from './describe.ts';
import { ConfigError, loadConfig } from './load.ts';

const least = { NB_SESSIONS__INGRESS__HOST: 'sessions.example.org' };
const load = (env: Record<string, string> = {}) => loadConfig({ ...least, ...env }).config;

function errorsOf(env: Record<string, string>): Record<string, string> {
  try {
    loadConfig(env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return Object.fromEntries(error.errors.map(({ key, reason, at }) => [key || at, reason]));
  }
  throw new Error('The configuration was accepted.');
}

describe('the configuration', () => {
  it('requires only the host of sessions, and has the original’s defaults', () => {
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
    expect(errorsOf({})).toEqual({ 'sessions.ingress.host': 'is required' });
  });

  it('accepts every form of a variable', () => {
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

  it('sets the mode of the supervisor for all images and for some, also as the booleans of YAML', () => {
    const { sessions } = load({
      NB_SESSIONS__SUPERVISOR: 'true',
      NB_SESSIONS__SUPERVISOR_IMAGES: '[{pattern: "legacy/*", supervisor: false}, {pattern: "*", supervisor: auto}]',
    });
    expect(sessions).toMatchObject({
      supervisor: 'on',
      supervisor_images: [
        { pattern: 'legacy/*', supervisor: 'off' },
        { pattern: '*', supervisor: 'auto' },
      ],
    });
    const invalid = { NB_SESSIONS__SUPERVISOR: 'maybe', NB_SESSIONS__SUPERVISOR_IMAGES: '[{pattern: "*"}]' };
    expect(Object.keys(errorsOf({ ...least, ...invalid }))).toEqual([
      'sessions.supervisor',
      'sessions.supervisor_images.0.supervisor',
    ]);
  });

  it.each([
    ['a slash at the end', (value: string) => `${value}/`],
    ['several slashes at the end', (value: string) => `${value}//`],
    ['blanks around', (value: string) => ` ${value}\n`],
    ['quotes around', (value: string) => `"${value}"`],
    ['single quotes around', (value: string) => `'${value}'`],
    ['blanks and quotes around', (value: string) => ` " ${value} " `],
  ])('accepts paths and addresses with %s', (_what, written) => {
    const values = {
      NB_CLOUD_STORAGE__MOUNT_FOLDER: '/data',
      NB_SESSIONS__SSH__HOST_KEY_LOCATION: '/opt/ssh/keys',
      NB_SESSIONS__CA_CERTS__PATH: '/usr/share/ca',
      NB_SERVICE_PREFIX: '/api/notebooks',
      NB_GIT__URL: 'https://gitlab.example.org/gitlab',
      NB_CRC_URL: 'http://renku-crc/api/data',
      NB_IDENTITY__JWKS_URL: 'https://id.example.org/keys',
    };
    const variables = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, written(value)]));
    const hosts = { NB_GIT__REGISTRY: 'registry.example.org', NB_SESSIONS__INGRESS__HOST: 'sessions.example.org:8443' };
    const once = (value: string) => written(value).replace(/\/+(?=[\s"']*$)/, '/');
    for (const [name, value] of Object.entries(hosts)) variables[name] = once(value);
    variables['NB_REQUEST__ALLOWED_ORIGINS_0'] = once('https://renku.example.org');
    variables['NB_REQUEST__ALLOWED_HOSTS_0'] = once('API.example.org:8000');
    expect(load(variables)).toMatchObject({
      cloud_storage: { mount_folder: '/data' },
      service_prefix: '/api/notebooks',
      git: { url: 'https://gitlab.example.org/gitlab', registry: 'registry.example.org' },
      crc_url: 'http://renku-crc/api/data',
      identity: { jwks_url: 'https://id.example.org/keys' },
      request: { allowed_origins: ['https://renku.example.org'], allowed_hosts: ['api.example.org:8000'] },
      sessions: {
        ingress: { host: 'sessions.example.org:8443' },
        ssh: { host_key_location: '/opt/ssh/keys' },
        ca_certs: { path: '/usr/share/ca' },
      },
    });
  });

  it('removes blanks and quotes around other values, but not around secrets', () => {
    const config = load({
      NB_ANONYMOUS_SESSIONS_ENABLED: '"true"',
      NB_REQUEST__DEADLINE_MS: "' 5000 '",
      NB_SESSIONS__DEFAULT_IMAGE: ' renku/singleuser:1 ',
      NB_SESSIONS__ENFORCE_CPU_LIMITS: '"strict"',
      NB_SESSIONS__TOLERATIONS: "'[{key: dedicated}]'",
      NB_SESSIONS__INGRESS__TLS_SECRET: '""',
      NB_K8S__SESSIONS_NAMESPACE: ' ',
      NB_SESSIONS__INGRESS__ANNOTATIONS: '"{}"',
      NB_SESSIONS__OIDC__CLIENT_SECRET: ' "secret" ',
    });
    expect(config).toMatchObject({
      anonymous_sessions_enabled: true,
      request: { deadline_ms: 5000 },
      k8s: { sessions_namespace: null },
      sessions: {
        default_image: 'renku/singleuser:1',
        enforce_cpu_limits: 'strict',
        tolerations: [{ key: 'dedicated' }],
        ingress: { tls_secret: null, annotations: {} },
        oidc: { client_secret: ' "secret" ' },
      },
    });
    expect(errorsOf({ ...least, NB_CLOUD_STORAGE__MOUNT_FOLDER: '/' })).toHaveProperty(['cloud_storage.mount_folder']);
  });

  it('reports all errors together, by key, without a value', () => {
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
    const errors = errorsOf(env);
    expect(Object.keys(errors).sort()).toEqual(
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
    expect(JSON.stringify(errors)).not.toContain(secret);
    expect(() => loadConfig(env)).toThrow(
      /^the configuration has 17 errors:\n {2}NB_ANONYMOUS_SESSIONS_ENABLED: anonymous_sessions_enabled must/,
    );
  });

  it('requires the issuer, audience and keys if ID tokens are verified', () => {
    const verified = { ...least, NB_IDENTITY__GATEWAY: 'verified' };
    expect(Object.keys(errorsOf(verified))).toEqual(['identity.audience', 'identity.issuer', 'identity.jwks_url']);
  });

  it('rejects a key that is set as a value and as a group', () => {
    expect(errorsOf({ ...least, NB_GIT: 'x', NB_GIT__URL: 'https://gitlab.example.org' })).toHaveProperty(
      'NB_GIT__URL',
    );
    expect(errorsOf({ ...least, NB_GIT_: '{}', NB_GIT__URL: 'https://gitlab.example.org' })).toHaveProperty(
      'NB_GIT__URL',
    );
  });

  it('warns about unknown keys, and names the keys of the original that have no effect', () => {
    const { warnings } = loadConfig({
      ...least,
      NB_IDENTITY__GATEWAY: 'off',
      NB_SESIONS__DEFAULT_IMAGE: 'x',
      NB_GIT__URLL: 'x',
      NB___PROTO____POLLUTED: 'x',
      NB_SESSIONS__OIDC__TOKEN_URL: 'x',
      NB_SESSIONS__OIDC__CONFIG_URL: 'x',
      NB_SESSIONS__INIT_CONTAINERS_0: 'git-clone',
      NB_SENTRY__ENABLED: 'false',
      OTHER: 'x',
    });
    expect(warnings).toEqual([
      expect.stringMatching(/are unknown.*: (?=.*sesions\.default_image)(?=.*git\.urll)/),
      expect.stringMatching(
        /no effect: (?=.*sessions\.oidc\.token_url)(?=.*sessions\.oidc\.config_url)(?=.*sessions\.init_containers)(?=.*sentry\.enabled)/,
      ),
    ]);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('warns about dangerous settings', () => {
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

  it('warns if the git-clone of the original cannot use the port of the git proxy', () => {
    const warned = (env: Record<string, string>) =>
      loadConfig({ ...least, ...env }).warnings.some((warning) =>
        warning.startsWith('sessions.git_proxy.port is 65480'),
      );
    const port = { NB_SESSIONS__GIT_PROXY__PORT: '65480' };
    const image = (name: string) => ({ ...port, NB_SESSIONS__GIT_CLONE__IMAGE: name });
    expect(warned({})).toBe(false);
    expect(warned(port)).toBe(true);
    expect(warned(image('registry.example.org/notebook-sessions/git-clone:1'))).toBe(false);
    expect(warned({ ...port, NB_SESSIONS__GIT_CLONE__PROGRAM: 'notebook-sessions' })).toBe(false);
    expect(warned({ ...image('notebook-sessions/git-clone'), NB_SESSIONS__GIT_CLONE__PROGRAM: 'renku' })).toBe(true);
    const without = { NB_SESSIONS__CONTAINERS__REGISTERED_: '[]', NB_SESSIONS__CONTAINERS__ANONYMOUS_: '[]' };
    expect(warned({ ...port, ...without })).toBe(false);
  });

  it('warns about git programs of both projects in a session', () => {
    const mixed = (env: Record<string, string>) =>
      loadConfig({ ...least, ...env }).warnings.find((warning) => warning.includes('of this project, and'));
    const own = (...names: string[]) =>
      Object.fromEntries(names.map((name) => [`NB_SESSIONS__${name}__PROGRAM`, 'notebook-sessions']));
    expect(mixed({})).toBeUndefined();
    expect(mixed(own('GIT_CLONE', 'GIT_PROXY', 'GIT_RPC_SERVER'))).toBeUndefined();
    expect(mixed(own('GIT_PROXY'))).toMatch(
      /^sessions\.git_proxy is of this project, and sessions\.git_clone and sessions\.git_rpc_server of renku-notebooks: /,
    );
    expect(mixed(own('GIT_CLONE', 'GIT_PROXY'))).toMatch(/and sessions\.git_rpc_server of renku-notebooks/);
    const withProxyOnly = { NB_SESSIONS__CONTAINERS__REGISTERED_: '["jupyter-server", "git-proxy"]' };
    expect(mixed({ ...own('GIT_CLONE', 'GIT_PROXY'), ...withProxyOnly })).toBeUndefined();
    expect(mixed({ ...own('GIT_CLONE'), ...withProxyOnly })).toMatch(/^sessions\.git_clone is of this project/);
    const withoutProxy = { NB_SESSIONS__CONTAINERS__REGISTERED_: '[]', NB_SESSIONS__CONTAINERS__ANONYMOUS_: '[]' };
    expect(mixed({ ...own('GIT_CLONE'), ...withoutProxy })).toBeUndefined();
  });

  it('cannot be changed', () => {
    const config = load() as { sessions: { culling: { registered: { idle_seconds: number } } } };
    expect(() => {
      config.sessions.culling.registered.idle_seconds = 1;
    }).toThrow(TypeError);
  });
});

describe('the configuration file', () => {
  const directory = mkdtempSync(join(tmpdir(), 'config-file-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'some.hocon');
  const withFile = (text: string | Buffer, env: Record<string, string> = {}) => {
    writeFileSync(path, text);
    return { CONFIG_FILE: path, ...env };
  };
  const messageOf = (env: Record<string, string>): string[] => {
    try {
      loadConfig(env);
    } catch (error) {
      if (error instanceof ConfigError) return error.message.split('\n').slice(1);
      throw error;
    }
    throw new Error('The configuration was accepted.');
  };

  it('overrides the defaults and is overridden by the variables, key by key', () => {
    const text = `
      service_prefix = /from-the-file
      git { url = "https://file.example.org", registry = file.example.org }
      sessions {
        ingress { host = \${?HOST_OF_SESSIONS}, annotations { a = x, b = "" } }
        storage.pvs_enabled = False
        culling.anonymous.idle_seconds = 1e+06
        tolerations = "[{key: dedicated}]"
        affinity { nodeAffinity { weight = 1 } }
        containers.anonymous = [one, two]
      }
      outbound.allowed_networks = [10.0.0.0/8, "fd00::/8"]
      resource_pools = [{ id = 1, name = a, default = true, classes = [
        { id = 1, name = b, default = true, cpu = .5, memory = 1, max_storage = 10 }
      ]}]
    `;
    const { config, warnings } = loadConfig(
      withFile(text, {
        HOST_OF_SESSIONS: 'sessions.example.org',
        NB_GIT__URL: 'https://variable.example.org',
        NB_SESSIONS__CONTAINERS__ANONYMOUS_0: 'three',
        NB_SESSIONS__INGRESS__ANNOTATIONS__A: 'y',
        NB_SERVICE_PREFIX: '',
        NB_K8S_: '{ renku_namespace = one, sessions_namespace = two }',
      }),
    );
    expect(config).toMatchObject({
      service_prefix: '/from-the-file',
      git: { url: 'https://variable.example.org', registry: 'file.example.org' },
      k8s: { renku_namespace: 'one', sessions_namespace: 'two' },
      outbound: { allowed_networks: ['10.0.0.0/8', 'fd00::/8'] },
      sessions: {
        ingress: { host: 'sessions.example.org', annotations: { a: 'y', b: '' } },
        storage: { pvs_enabled: false },
        culling: { anonymous: { idle_seconds: 1_000_000 }, registered: { idle_seconds: 86_400 } },
        tolerations: [{ key: 'dedicated' }],
        affinity: { nodeAffinity: { weight: 1 } },
        containers: { anonymous: ['three'] },
      },
    });
    expect(config.resource_pools[0]?.classes[0]).toMatchObject({ cpu: 0.5, default_storage: 1 });
    expect(warnings.join()).not.toContain('are unknown');
  });

  it('treats null and an empty string as no value', () => {
    const text = 'sessions { ingress { host = x.example.org, tls_secret = "" }, default_image = null }\ngit.url = ""';
    const { config } = loadConfig(withFile(text));
    expect(config.sessions).toMatchObject({ ingress: { tls_secret: null }, default_image: 'renku/singleuser:latest' });
    expect(config.git.url).toBe('https://gitlab.com');
    expect(messageOf(withFile('sessions.ingress.host = ""'))).toEqual([
      `  ${path}:1: sessions.ingress.host is required`,
    ]);
  });

  it('reports each error once with its place, in order', () => {
    const text = `sessions {
  ingress {
    host = &
  }
  ca_certs.secrets = [
    {secret = a}
    {secret = 12}
  ]
  tolerations = "[{"
  culling { registered = 5 }
}
resource_pools = [{id = 1, name = ?, classes = []}]
git = []
k8s.renku_namespace = \${nothing}
request { deadline_ms = 5 }`;
    expect(messageOf(withFile(text, { NB_GIT__REGISTRY: 'https://x', NB_REQUEST__DEADLINE_MS: '7' }))).toEqual([
      `  ${path}:3: sessions.ingress.host cannot be read: the character & must be quoted`,
      `  ${path}:7: sessions.ca_certs.secrets.1.secret must be a string; quote it`,
      `  ${path}:9: sessions.tolerations must be YAML`,
      `  ${path}:10: sessions.culling.registered must be a group of keys`,
      `  ${path}:12: resource_pools cannot be read: the character ? must be quoted`,
      `  ${path}:14: k8s.renku_namespace cannot be read: neither a key nor an environment variable gives \${nothing} a value`,
      '  NB_GIT__REGISTRY: git.registry must be host or host:port',
      '  NB_REQUEST__DEADLINE_MS: request.deadline_ms must be a whole number from 100 to 300000',
    ]);
  });

  it('reports a missing key at the line of its group', () => {
    const text = 'git.url = "https://gitlab.example.org"\nsessions {\n ingress {\n  tls_secret = x\n }\n}';
    expect(messageOf(withFile(text))).toEqual([`  ${path}:3: sessions.ingress.host is required`]);
    expect(messageOf(withFile('# empty'))).toEqual([`  ${path}:1: sessions.ingress.host is required`]);
  });

  it('reports no missing keys if the end of the file could not be read', () => {
    expect(messageOf(withFile('sessions {\n default_image = x', { NB_SERVICE_PREFIX: 'x' }))).toEqual([
      `  ${path}:1: a { is not closed`,
      '  NB_SERVICE_PREFIX: service_prefix must be a path that begins with a slash, such as /notebooks',
    ]);
  });

  it('warns about unknown keys, with their line and a similar key', () => {
    const text =
      'sessions.ingress.host = x.example.org\nsessions.defautl_image = x\nk8s.namespace = x\nsentry { dsn = x }';
    const { warnings } = loadConfig(withFile(text, { NB_GITT__URL: 'x' }));
    expect(warnings).toEqual(
      expect.arrayContaining([
        `these configuration keys are unknown, check their spelling: gitt.url (NB_GITT__URL), did you mean git.url?; sessions.defautl_image (${path}:2), did you mean sessions.default_image?`,
        expect.stringMatching(/no effect: sentry\.dsn \(.*\); k8s\.namespace \(the key is k8s\.renku_namespace\)$/),
      ]),
    );
  });

  it.each([
    ['does not exist', () => ({ CONFIG_FILE: join(directory, 'nothing') }), /CONFIG_FILE names a file .*\(ENOENT\)/],
    ['is a folder', () => ({ CONFIG_FILE: directory }), /CONFIG_FILE names a file .*\(EISDIR\)/],
    ['is not UTF-8', () => withFile(Buffer.from('a = \xff', 'latin1')), /some\.hocon: CONFIG_FILE is not UTF-8/],
    ['is a list', () => withFile('[1]'), /some\.hocon:1: CONFIG_FILE must contain keys and values/],
    ['is too large', () => withFile(Buffer.alloc(1024 * 1024 + 1, ' ')), /is larger than 1048576 bytes/],
  ])('is rejected with a message of one line if the file %s', (_what, env, sentence) => {
    const lines = messageOf(env());
    expect(lines).toEqual([expect.stringMatching(sentence)]);
  });
});

describe('the configuration in the log', () => {
  it('contains every key except secrets', () => {
    const secrets = {
      NB_SESSIONS__OIDC__CLIENT_SECRET: 'secret-1',
      NB_SESSIONS__GIT_PROXY__RENKU_CLIENT_SECRET: 'secret-2',
      NB_IDENTITY__COOKIE_SECRET: 'secret-3, which has more than 32 bytes',
      NB_SESSIONS__GIT_CLONE__SENTRY__DSN: 'secret-4',
      NB_SESSIONS__GIT_RPC_SERVER__SENTRY__DSN: 'secret-5',
    };
    const shown = describeConfig(load(secrets));
    expect(JSON.stringify(shown)).not.toMatch(/secret-\d/);
    expect(shown).toMatchObject({
      sessions: { oidc: { client_id: 'renku-jupyterserver', client_secret: '[set]' }, git_proxy: { port: 8080 } },
    });
    expect(describeConfig(load())).toMatchObject({ identity: { cookie_secret: '[not set]' } });
    // Fails if a new key has the name of a secret but its reader is not marked as secret.
    const named = keyNames().filter(
      (key) => /secret$|password|token$|dsn$/.test(key) && !/tls_secret|host_key/.test(key),
    );
    expect(named.sort()).toEqual(
      Object.keys(secrets)
        .map((name) => name.slice('NB_'.length).toLowerCase().replaceAll('__', '.'))
        .sort(),
    );
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

  it('are read from the original’s file, overridden by keys of the configuration', () => {
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

  it('have choices for the user, read from a file in the original’s format', () => {
    const choices = {
      defaultUrl: {
        order: 1,
        displayName: 'Environment',
        type: 'enum',
        default: '/lab',
        options: ['/lab', '/rstudio'],
      },
      lfs_auto_fetch: { order: 6, displayName: 'LFS', type: 'boolean', default: false },
    };
    const path = file('choices.json', JSON.stringify({ ...choices, cpu_request: { order: 2, options: [0.5] } }));
    expect(load().server_options.ui_choices).toEqual({ defaultUrl: null, lfs_auto_fetch: null });
    expect(load({ NB_SERVER_OPTIONS__UI_CHOICES_PATH: path }).server_options.ui_choices).toEqual(choices);
    const wrong = file('wrong-choices.json', JSON.stringify({ defaultUrl: { ...choices.defaultUrl, order: 0 } }));
    expect(() => load({ NB_SERVER_OPTIONS__UI_CHOICES_PATH: wrong })).toThrow(
      `${wrong}: server_options.ui_choices.defaultUrl.order must be a whole number from 1`,
    );
  });

  it.each([
    ['a file that does not exist', () => join(directory, 'nothing.json')],
    ['a file that is not JSON', () => file('broken.json', '{')],
    ['a file with a list', () => file('list.json', '[]')],
  ])('cannot be read from %s', (_what, path) => {
    expect(Object.keys(errorsOf({ ...least, NB_SERVER_OPTIONS__DEFAULTS_PATH: path() }))).toEqual([
      'server_options.defaults_path',
    ]);
  });
});
