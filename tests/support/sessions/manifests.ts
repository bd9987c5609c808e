import type { Config } from '../../../src/config/types.ts';
import type { ManifestInput } from '../../../src/sessions/manifest/input.ts';
import { testConfig } from './config.ts';

export const registered: ManifestInput = {
  name: 'john-doe-my-project-3rdkwftvh3lixjsc',
  launchId: 'launch-1',
  user: {
    kind: 'registered',
    id: 'uuid-1',
    username: 'john.doe',
    safeUsername: 'john-2edoe',
    owner: 'registered-abc',
    gitUrl: 'https://gitlab.example.org',
    hasGitToken: true,
    gitTokenExpiresAt: 1_700_000_000,
    hasRefreshToken: true,
    profile: { email: 'john@example.org', fullName: 'John Doe', issuer: 'https://renku.example.org/auth/realms/Renku' },
  },
  repository: {
    gitlabProjectId: 42,
    namespace: 'my-group',
    project: 'my-project',
    folder: 'My-Project',
    webUrl: 'https://gitlab.example.org/My-Group/My-Project',
    httpUrl: 'https://gitlab.example.org/My-Group/My-Project.git',
    branch: 'feature/x',
    isDefaultBranch: false,
    requestedCommit: 'v1.0',
    commitSha: '0123456789abcdef0123456789abcdef01234567',
    mayPush: true,
  },
  image: {
    reference: 'registry.example.org/my-group/my-project:0123456',
    requested: undefined,
    workingDir: null,
    jupyter: null,
    runsArguments: null,
    private: false,
  },
  resources: { classId: 1, cpu: 0.1, memoryBytes: 1e9, gpu: 0, storageBytes: 1e9, priorityClass: 'public-quota' },
  defaultUrl: '/lab',
  lfsAutoFetch: false,
  environment: {},
  cloudStorage: [],
  sessionToken: '',
};

export const anonymous: ManifestInput = {
  ...registered,
  name: 'anon-my-project-3rdkwftvh3lixjsc',
  user: {
    kind: 'anonymous',
    id: 'anon-abc123',
    username: 'anon-abc123',
    safeUsername: 'anon-2dabc123',
    owner: 'cookie-abc',
    gitUrl: 'https://gitlab.example.org',
    hasGitToken: false,
    gitTokenExpiresAt: 0,
    hasRefreshToken: false,
    profile: undefined,
  },
  repository: { ...registered.repository, mayPush: false },
  image: {
    reference: 'docker.io/someone/image:1',
    requested: 'someone/image:1',
    workingDir: '/',
    jupyter: null,
    runsArguments: null,
    private: false,
  },
  sessionToken: 'only-of-this-session',
};

export interface Example {
  readonly input: ManifestInput;
  readonly config: Config;
}

const withHelpers = testConfig({
  containers: {
    anonymous: ['jupyter-server', 'passthrough-proxy', 'git-proxy'],
    registered: ['jupyter-server', 'oauth2-proxy', 'git-proxy', 'git-sidecar'],
  },
});

const withOwnHelpers = testConfig({
  ...withHelpers.sessions,
  git_clone: { ...withHelpers.sessions.git_clone, image: 'registry.example.org/notebook-sessions/session-tools:1' },
  git_proxy: { ...withHelpers.sessions.git_proxy, image: 'registry.example.org/notebook-sessions/session-tools:1' },
});

const withAgent = testConfig({
  ...withHelpers.sessions,
  git_rpc_server: {
    ...withHelpers.sessions.git_rpc_server,
    image: 'registry.example.org/notebook-sessions/session-tools:1',
  },
  agent_secrets: ['a secret of the platform for the keys of agents'],
});

const buckets = (kind: 's3' | 'azure_blob', read_only: boolean): Config => {
  const base = testConfig();
  return { ...base, cloud_storage: { ...base.cloud_storage, [kind]: { enabled: true, read_only } } };
};

/** An example for each part that a launch or a platform can add; each has a golden file of the same name. */
export const examples: Readonly<Record<string, Example>> = {
  registered: { input: registered, config: testConfig() },
  anonymous: { input: anonymous, config: testConfig() },
  'everything-set': {
    input: {
      ...registered,
      lfsAutoFetch: true,
      resources: { classId: 2, cpu: 4, memoryBytes: 16e9, gpu: 1, storageBytes: 2e10, priorityClass: null },
    },
    config: testConfig({
      storage: { pvs_enabled: false, pvs_storage_class: 'fast', use_empty_dir_size_limit: true },
      ingress: { host: 'localhost:8000', tls_secret: null, annotations: {}, class_name: null, gateway: null },
      enforce_cpu_limits: 'lax',
      node_selector: { pool: 'sessions' },
      affinity: { nodeAffinity: {} },
      tolerations: [{ key: 'gpu', operator: 'Exists' }],
      ca_certs: { image: 'renku/certificates:0.0.2', path: '/ca', secrets: [] },
      oidc: { client_id: 'c', client_secret: 'the-other-client-secret', allow_unverified_email: true },
    }),
  },
  'private-image': {
    input: { ...registered, image: { ...registered.image, private: true } },
    config: testConfig(),
  },
  variables: {
    input: { ...registered, environment: { GREETING: 'the-value-of-greeting', POEM: 'two\nlines' } },
    config: testConfig(),
  },
  'git-helpers': { input: registered, config: withHelpers },
  'git-helpers-anonymous': { input: anonymous, config: withHelpers },
  /** With Sentry, another time limit, port and platform, and without a client secret. */
  'git-helpers-configured': {
    input: { ...registered, user: { ...registered.user, hasRefreshToken: false, hasGitToken: false } },
    config: testConfig({
      ...withHelpers.sessions,
      git_proxy: {
        ...withHelpers.sessions.git_proxy,
        ...{ port: 65_480, health_port: 65_481, renku_client_secret: null },
        platform_url: 'https://platform.example.org',
      },
      git_clone: {
        ...withHelpers.sessions.git_clone,
        image: 'registry.example.org/notebook-sessions/git-clone:1',
        timeout_seconds: 300,
        sentry: { enabled: true, dsn: 'https://sentry.example.org/1', env: 'test', sample_rate: 0.5 },
      },
      git_rpc_server: {
        ...withHelpers.sessions.git_rpc_server,
        sentry: { enabled: true, dsn: null, env: null, sample_rate: 0 },
      },
    }),
  },
  /** The same with git-clone of renku-notebooks, which accepts neither a port nor a time limit, for a user without a token. */
  'git-helpers-originals': {
    input: { ...registered, user: { ...registered.user, hasRefreshToken: false, hasGitToken: false } },
    config: testConfig({
      ...withHelpers.sessions,
      git_clone: { ...withHelpers.sessions.git_clone, timeout_seconds: 300 },
      git_proxy: { ...withHelpers.sessions.git_proxy, port: 65_480, renku_client_secret: null },
    }),
  },
  /** With the programs of this project. */
  'own-git-helpers': { input: registered, config: withOwnHelpers },
  'own-git-helpers-anonymous': { input: anonymous, config: withOwnHelpers },
  /** With this project's agent, whose key is in the credentials Secret. */
  'own-agent': { input: registered, config: withAgent },
  /** With this project's supervisor, which the agent asks. */
  supervised: {
    input: { ...registered, image: { ...registered.image, runsArguments: true } },
    config: testConfig({ ...withAgent.sessions, git_clone: withOwnHelpers.sessions.git_clone }),
  },
  /** Without an agent, kernels outlive their Jupyter server, too. */
  'supervised-anonymous': {
    input: { ...anonymous, image: { ...anonymous.image, runsArguments: true } },
    config: withOwnHelpers,
  },
  ssh: {
    input: registered,
    config: testConfig({ ssh: { ...testConfig().sessions.ssh, enabled: true, host_key_secret: 'session-host-keys' } }),
  },
  's3-public': {
    input: {
      ...anonymous,
      cloudStorage: [{ kind: 's3', endpoint: 'https://s3.example.org', bucket: 'open-data', isPrivate: false }],
    },
    config: buckets('s3', true),
  },
  's3-private': {
    input: {
      ...registered,
      cloudStorage: ['one', 'two'].map((name) => ({
        kind: 's3',
        endpoint: 'http://minio.example.org:9000',
        bucket: `bucket-${name}`,
        isPrivate: true,
      })),
    },
    config: buckets('s3', false),
  },
  'azure-blob': {
    input: {
      ...registered,
      cloudStorage: [
        {
          kind: 'azure-blob',
          endpoint: 'https://account1.blob.core.windows.net',
          bucket: 'container',
          isPrivate: true,
        },
      ],
    },
    config: buckets('azure_blob', true),
  },
};
