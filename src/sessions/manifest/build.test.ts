import jsonpatch from 'fast-json-patch';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { Config } from '../../config/types.ts';
import { ApiError } from '../../errors.ts';
import type { JsonPatchOperation } from '../../jupyter-server/types.ts';
import { testConfig } from '../testing/config.ts';
import { buildJupyterServer } from './build.ts';
import type { ManifestInput } from './input.ts';

const registered: ManifestInput = {
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
    requestedCommit: 'v1.0',
    commitSha: '0123456789abcdef0123456789abcdef01234567',
    mayPush: true,
  },
  image: { reference: 'registry.example.org/my-group/my-project:0123456', requested: undefined, workingDir: null },
  resources: { classId: 1, cpu: 0.1, memoryBytes: 1e9, gpu: 0, storageBytes: 1e9, priorityClass: 'public-quota' },
  defaultUrl: '/lab',
  lfsAutoFetch: false,
  environment: { GREETING: 'the-value-of-greeting' },
  sessionToken: '',
};

const anonymous: ManifestInput = {
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
    profile: undefined,
  },
  repository: { ...registered.repository, mayPush: false },
  image: { reference: 'docker.io/someone/image:1', requested: 'someone/image:1', workingDir: '/' },
  environment: {},
  sessionToken: 'only-of-this-session',
};

const golden = async (name: string, input: ManifestInput, config: Config): Promise<void> => {
  const text = stringify(buildJupyterServer(input, config), { lineWidth: 0, aliasDuplicateObjects: false });
  await expect(text).toMatchFileSnapshot(`golden/${name}.yaml`);
};

describe('the whole object', () => {
  it('of a registered user', () => golden('registered', registered, testConfig()));

  it('of an anonymous user', () => golden('anonymous', anonymous, testConfig()));

  it('with everything that a platform can set', () =>
    golden(
      'everything-set',
      {
        ...registered,
        lfsAutoFetch: true,
        resources: { classId: 2, cpu: 4, memoryBytes: 16e9, gpu: 1, storageBytes: 2e10, priorityClass: null },
      },
      testConfig({
        storage: { pvs_enabled: false, pvs_storage_class: 'fast', use_empty_dir_size_limit: true },
        ingress: { host: 'localhost:8000', tls_secret: null, annotations: {} },
        enforce_cpu_limits: 'lax',
        node_selector: { pool: 'sessions' },
        affinity: { nodeAffinity: {} },
        tolerations: [{ key: 'gpu', operator: 'Exists' }],
        ca_certs: { image: 'renku/certificates:0.0.2', path: '/ca', secrets: [] },
        oidc: { client_id: 'c', client_secret: 's', allow_unverified_email: true, config_url: '/' },
      }),
    ));

  it('is the same bytes for the same input', () => {
    const twice = [1, 2].map(() => JSON.stringify(buildJupyterServer(structuredClone(registered), testConfig())));
    expect(twice[0]).toBe(twice[1]);
  });
});

describe('patches', () => {
  it.each([
    ['registered', registered, 'oauth2-proxy'],
    ['anonymous', anonymous, 'passthrough-proxy'],
  ] as const)('of a %s session apply to what the operator renders', (_kind, input, proxy) => {
    const container = (name: string) => ({ name, env: [] as object[], volumeMounts: [] });
    const rendered = {
      statefulset: {
        spec: {
          template: {
            spec: { volumes: [], initContainers: [], containers: [container('jupyter-server'), container(proxy)] },
          },
        },
      },
    };
    const patches = buildJupyterServer(input, testConfig()).spec?.patches ?? [];
    for (const { type, patch } of patches) {
      expect(type).toBe('application/json-patch+json');
      jsonpatch.applyPatch(rendered, patch as JsonPatchOperation[] as never, true);
    }
    const { initContainers, containers } = rendered.statefulset.spec.template.spec;
    expect(initContainers.map(({ name }) => name)).toEqual(['init-certificates', 'download-image', 'git-clone']);
    expect(containers[0]?.env).toContainEqual({ name: 'CI_COMMIT_SHA', value: registered.repository.commitSha });
    expect(JSON.stringify(rendered)).not.toContain('null');
  });
});

describe('variables of the user', () => {
  const refusalOf = (environment: Record<string, string>): ApiError | undefined => {
    try {
      buildJupyterServer({ ...registered, environment }, testConfig());
    } catch (error) {
      if (error instanceof ApiError) return error;
      throw error;
    }
    return undefined;
  };

  it('may not change one of the session or the operator', () => {
    const error = refusalOf({ NOTEBOOK_DIR: '/tmp', SERVER_APP_TOKEN: '', MINE: '1' });
    expect(error?.kind.code).toBe(1004);
    expect(error?.fields?.map(({ path }) => path)).toEqual([
      'body.environment_variables.NOTEBOOK_DIR',
      'body.environment_variables.SERVER_APP_TOKEN',
    ]);
  });

  it('may repeat one with the same value, which is then set once', () => {
    const environment = { PROJECT_NAME: 'my-project' };
    const text = JSON.stringify(buildJupyterServer({ ...registered, environment }, testConfig()));
    expect(text.match(/"PROJECT_NAME"/g)).toHaveLength(1);
  });

  it('are not in the object, only their names are', () => {
    const text = JSON.stringify(buildJupyterServer(registered, testConfig()));
    expect(text).toContain('"key":"env.GREETING"');
    expect(text).not.toContain('the-value-of-greeting');
    expect(text).not.toContain('the-oidc-client-secret');
  });
});

describe('the working directory of an image', () => {
  const mountPath = (workingDir: string | null): string | undefined =>
    buildJupyterServer({ ...registered, image: { ...registered.image, workingDir } }, testConfig()).spec?.storage?.pvc
      ?.mountPath;

  it.each([
    [null, '/home/jovyan/work'],
    ['', '/work'],
    ['/', '/work'],
    ['/home/me/', '/home/me/work'],
    ['/a"; import os #', '/home/jovyan/work'],
    ['/a/../../etc', '/home/jovyan/work'],
    ['relative', '/home/jovyan/work'],
    ['/a\nb: c', '/home/jovyan/work'],
  ])('%j leads to %s', (workingDir, expected) => {
    expect(mountPath(workingDir)).toBe(expected);
  });
});

describe('labels', () => {
  it('leave out what no label can hold, and never the owner', () => {
    const user = { ...registered.user, id: 'a:b', safeUsername: '-5fbob' };
    const { labels, annotations } = buildJupyterServer({ ...registered, user }, testConfig()).metadata;
    expect(labels).not.toHaveProperty(['renku.io/userId']);
    expect(labels).not.toHaveProperty(['renku.io/safe-username']);
    expect(labels?.['notebook-sessions.io/owner']).toBe('registered-abc');
    expect(annotations?.['renku.io/userId']).toBe('a:b');
  });
});
