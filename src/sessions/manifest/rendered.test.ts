import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Example, examples } from '../../../tests/support/sessions/manifests.ts';
import { originalPrograms, startErrors } from '../../../tests/support/sessions/original-programs.ts';
import { anonymous, john } from '../../../tests/support/sessions/service.ts';
import type { Identity } from '../../identity/types.ts';
import { annotation } from '../../jupyter-server/labels.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { renderChildren } from '../../operator/children/render.ts';
import { readSettings } from '../../operator/settings.ts';
import { bucketSecrets } from './bucket-mounts.ts';
import { buildJupyterServer } from './build.ts';
import type { CloudStorageWithKeys } from './cloud-storage.ts';
import { credentialsSecret } from './credentials.ts';
import { pullSecret } from './pull-secret.ts';
import { isVariablesSecretNeeded, variablesSecret } from './variables.ts';

interface Container {
  name: string;
  image: string;
  securityContext?: Record<string, unknown>;
  terminationMessagePolicy?: string;
  args?: string[];
  env?: { name: string; value?: string; valueFrom?: { secretKeyRef: { name: string; key: string } } }[];
  ports?: { name: string; containerPort: number }[];
  volumeMounts?: { name: string; mountPath: string; subPath?: string; readOnly?: boolean }[];
  lifecycle?: object;
}

interface Volume {
  name: string;
  secret?: { secretName: string; items?: { key: string; path: string }[] };
  csi?: { volumeAttributes: Record<string, string> };
  persistentVolumeClaim?: { claimName: string };
}

interface PodSpec {
  containers: Container[];
  initContainers: Container[];
  volumes: Volume[];
  imagePullSecrets: { name: string }[];
  [field: string]: unknown;
}

/** Returns the children that the operator creates for an example, and the Secrets that the service creates. */
function rendered({ input, config }: Example) {
  const made = buildJupyterServer(input, config);
  const server: JupyterServer = { ...made, metadata: { ...made.metadata, namespace: 'renku', uid: 'uid-1' } };
  const children = renderChildren(server, readSettings({ NAMESPACES: 'renku' }), randomBytes);
  const set = children['statefulset'] as unknown as { spec: { template: { spec: PodSpec } } };
  const pod = set.spec.template.spec;
  const identity = identityOf(input.user);
  const storages: CloudStorageWithKeys[] = input.cloudStorage.map((storage) => ({
    ...storage,
    accessKey: storage.kind === 's3' ? 'the-access-key' : undefined,
    secretKey: 'the-storage-key',
  }));
  const owner = {
    name: input.name,
    namespace: 'renku',
    uid: 'uid-1',
    agentSecret: made.metadata.annotations?.[annotation.agentSecret],
  };
  const secrets = [
    credentialsSecret(owner, identity, {}, config),
    ...(isVariablesSecretNeeded(input) ? [variablesSecret(owner, input.environment, config)] : []),
    ...(input.image.private ? [pullSecret(owner, identity.git.token ?? '', config)] : []),
    ...bucketSecrets(owner, storages, config),
  ];
  return { server, children, pod, secrets, containers: [...pod.initContainers, ...pod.containers] };
}

function identityOf(user: Example['input']['user']): Identity {
  if (user.kind === 'anonymous') return anonymous(user.gitUrl);
  const identity = john(user.gitUrl) as Extract<Identity, { kind: 'registered' }>;
  return {
    ...identity,
    refreshToken: user.hasRefreshToken ? identity.refreshToken : null,
    git: user.hasGitToken ? identity.git : { ...identity.git, token: null },
  };
}

const container = (containers: readonly Container[], name: string): Container => {
  const found = containers.find((each) => each.name === name);
  if (!found) throw new Error(`there is no container ${name}`);
  return found;
};

const repeated = (values: readonly string[]): string[] =>
  values.filter((value, index) => values.indexOf(value) !== index);

const example = (name: string): Example => {
  const found = examples[name];
  if (!found) throw new Error(`there is no example ${name}`);
  return found;
};

describe.each(Object.entries(examples))('the pod that the operator creates for the example %s', (_name, each) => {
  it('meets the restricted Pod Security Standard', () => {
    const { containers, pod } = rendered(each);
    for (const { name, securityContext } of containers) {
      expect(securityContext, name).toMatchObject({
        runAsUser: expect.any(Number),
        runAsNonRoot: true,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(securityContext?.['runAsUser'], name).not.toBe(0);
    }
    const kinds = pod.volumes.flatMap(({ name: _name, ...source }) => Object.keys(source));
    const permitted = ['configMap', 'csi', 'emptyDir', 'persistentVolumeClaim', 'projected', 'secret'];
    for (const kind of kinds) expect(permitted).toContain(kind);
    for (const field of ['hostNetwork', 'hostPID', 'hostIPC']) expect(pod).not.toHaveProperty(field);
  });

  it('has the end of the log of each failed container in its status', () => {
    for (const { name, terminationMessagePolicy } of rendered(each).containers) {
      expect(terminationMessagePolicy, name).toBe('FallbackToLogsOnError');
    }
  });

  const { children, containers, pod, secrets, server } = rendered(each);

  it('has the configured containers, in the configured order', () => {
    expect(pod.initContainers.map(({ name }) => name)).toEqual(['init-certificates', 'download-image', 'git-clone']);
    expect(pod.containers.map(({ name }) => name)).toEqual(each.config.sessions.containers[each.input.user.kind]);
  });

  it('mounts only existing volumes, without duplicate names, paths and variables', () => {
    const volumes = pod.volumes.map(({ name }) => name);
    expect(repeated(volumes)).toEqual([]);
    for (const { env = [], volumeMounts = [], ports = [] } of containers) {
      for (const { name } of volumeMounts) expect(volumes).toContain(name);
      expect(repeated(volumeMounts.map(({ mountPath }) => mountPath))).toEqual([]);
      expect(repeated(env.map(({ name }) => name))).toEqual([]);
      expect(repeated(ports.map(({ name }) => name))).toEqual([]);
    }
  });

  it('refers to all keys of the Secrets, and to no other keys', () => {
    const inSecrets = secrets
      .filter(({ type }) => type === 'Opaque')
      .flatMap(({ metadata, data }) => Object.keys(data).map((key) => `${metadata.name}/${key}`));
    const ofOperator = Object.keys(
      (children['secret'] as unknown as { stringData?: object; data?: object }).stringData ?? {},
    ).concat(Object.keys((children['secret'] as unknown as { data?: object }).data ?? {}));
    const known = new Set([...inSecrets, ...ofOperator.map((key) => `${server.metadata.name}/${key}`)]);

    const byVariable = containers.flatMap(({ env = [] }) =>
      env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef ?? []),
    );
    const byVolume = pod.volumes.flatMap(({ secret }) =>
      (secret?.items ?? []).map(({ key }) => ({ name: secret?.secretName ?? '', key })),
    );
    const referred = [...byVariable, ...byVolume].map(({ name, key }) => `${name}/${key}`);
    for (const reference of referred) expect([...known]).toContain(reference);
    const credentials = inSecrets.filter((key) => /-(credentials|variables)\//.test(key));
    expect(credentials.filter((key) => !referred.includes(key))).toEqual([]);
  });

  it('sets all variables that the programs of renku-notebooks require, and no variables that they reject', () => {
    const values: Record<string, string> = Object.fromEntries(
      secrets.flatMap(({ metadata, data }) =>
        Object.entries(data).map(([key, value]) => [
          `${metadata.name}/${key}`,
          Buffer.from(value, 'base64').toString(),
        ]),
      ),
    );
    for (const { name, image, env = [] } of containers) {
      const program = originalPrograms.find((each) => each.container === name);
      if (!program || !image.startsWith('renku/')) continue;
      const environment = env.map(({ name, value, valueFrom }) => {
        const { name: secret, key } = valueFrom?.secretKeyRef ?? { name: '', key: '' };
        return [name, value ?? values[`${secret}/${key}`] ?? ''];
      });
      expect(startErrors(program, Object.fromEntries(environment)), name).toEqual([]);
    }
  });

  it('contains no credentials', () => {
    const text = JSON.stringify([server, children]);
    const publicKeys = ['azurestorageaccountname', 'session-uid', 'gitlab-oauth-token-expires-at'];
    const values = secrets.flatMap(({ data }) =>
      Object.entries(data).flatMap(([key, value]) => (publicKeys.includes(key) ? [] : [value])),
    );
    for (const value of values) expect(text.includes(Buffer.from(value, 'base64').toString())).toBe(false);
  });

  it('contains no null and no NaN, which the API server would reject', () => {
    // The test searches for whole values and whole words, because encoded bytes may contain any letters.
    expect(JSON.stringify(children)).not.toMatch(/:null|\b(NaN|undefined)\b(?![+/=])/);
  });
});

describe('the manifest', () => {
  it('has the configured scheduling', () => {
    const { pod } = rendered(example('everything-set'));
    expect(pod).toMatchObject({
      nodeSelector: { pool: 'sessions' },
      affinity: { nodeAffinity: {} },
      tolerations: [
        { key: 'renku.io/dedicated', operator: 'Equal', value: 'user', effect: 'NoSchedule' },
        { key: 'gpu', operator: 'Exists' },
      ],
      terminationGracePeriodSeconds: 600,
      enableServiceLinks: false,
    });
    expect(pod).not.toHaveProperty('priorityClassName');
    expect(rendered(example('registered')).pod['priorityClassName']).toBe('public-quota');
    expect(rendered(example('registered')).server.metadata.labels?.['renku.io/quota']).toBe('public-quota');
  });

  it('changes only the configured fields of the security context of Jupyter', () => {
    const { input, config } = example('registered');
    const security_context = { allowPrivilegeEscalation: true, capabilities: null };
    const { pod } = rendered({ input, config: { ...config, sessions: { ...config.sessions, security_context } } });
    expect(pod.containers[0]?.securityContext).toEqual({
      runAsUser: 1000,
      runAsGroup: 100,
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
      ...security_context,
    });
  });

  it.each([
    [null, ['jupyter', 'notebook']],
    ['lab', ['jupyter', 'lab']],
    ['entrypoint', undefined],
  ] as const)('starts Jupyter in an image that starts it by itself with %j by the arguments %j', (jupyter, args) => {
    const { input, config } = example('registered');
    const { pod } = rendered({ input: { ...input, image: { ...input.image, jupyter } }, config });
    expect(pod.containers[0]?.args).toEqual(args);
  });

  it('allows shared memory of half of the memory', () => {
    const { pod } = rendered(example('registered'));
    expect(pod.volumes).toContainEqual({ name: 'shm', emptyDir: { medium: 'Memory', sizeLimit: 500_000_000 } });
    expect(pod.containers[0]?.volumeMounts).toContainEqual({ name: 'shm', mountPath: '/dev/shm' });
  });

  it('mounts the certificate authorities, readable by all users, in every container that makes requests', () => {
    const { containers, pod } = rendered(example('git-helpers'));
    expect(pod.volumes).toContainEqual({
      name: 'custom-ca-certs',
      projected: { defaultMode: 0o444, sources: [{ secret: { name: 'platform-ca' } }] },
    });
    for (const name of ['oauth2-proxy', 'git-proxy', 'git-clone']) {
      expect(container(containers, name).volumeMounts).toContainEqual(
        expect.objectContaining({ mountPath: '/etc/ssl/certs/', readOnly: true }),
      );
    }
  });

  it('has the user’s token to pull a private image, for the platform’s registry only', () => {
    const { pod, secrets, server } = rendered(example('private-image'));
    const name = `${server.metadata.name}-image-secret`;
    expect(pod.imagePullSecrets).toEqual([{ name }]);
    expect(server.metadata.annotations?.['notebook-sessions.io/pull-secret']).toBe(name);
    const secret = secrets.find(({ metadata }) => metadata.name === name);
    expect(secret).toMatchObject({
      type: 'kubernetes.io/dockerconfigjson',
      metadata: { namespace: 'renku', ownerReferences: [{ kind: 'JupyterServer', uid: 'uid-1' }] },
    });
    expect(JSON.parse(Buffer.from(secret?.data['.dockerconfigjson'] ?? '', 'base64').toString())).toEqual({
      auths: {
        'registry.example.org': {
          username: 'oauth2',
          password: 'the-gitlab-token',
          auth: Buffer.from('oauth2:the-gitlab-token').toString('base64'),
        },
      },
    });
    expect(rendered(example('registered')).pod.imagePullSecrets).toEqual([]);
  });

  it('sets variables in the container, and for R in a file that only the user of the session can read', () => {
    const { pod, secrets } = rendered(example('variables'));
    const names = pod.containers[0]?.env?.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['GREETING', 'POEM']));
    expect(pod.containers[0]?.volumeMounts).toContainEqual({
      name: 'r-environment',
      mountPath: '/home/jovyan/.Renviron',
      subPath: '.Renviron',
      readOnly: true,
    });
    expect(pod.volumes.find(({ name }) => name === 'r-environment')?.secret).toMatchObject({ defaultMode: 0o440 });
    const file = Buffer.from(secrets[1]?.data['Renviron'] ?? '', 'base64').toString();
    expect(file).toBe("GREETING='the-value-of-greeting'\n");
  });

  it('gives the git proxy its variables, and the platform’s client secret only if this is configured', () => {
    const variables = (name: string): Record<string, unknown> =>
      Object.fromEntries(
        (container(rendered(example(name)).containers, 'git-proxy').env ?? []).map((variable) => [
          variable.name,
          variable.value ?? variable.valueFrom?.secretKeyRef.key,
        ]),
      );
    expect(variables('git-helpers')).toEqual({
      REPOSITORY_URL: 'https://gitlab.example.org/My-Group/My-Project.git',
      GIT_PROXY_PORT: '8080',
      GIT_PROXY_HEALTH_PORT: '8081',
      GITLAB_OAUTH_TOKEN: 'gitlab-oauth-token',
      GITLAB_OAUTH_TOKEN_EXPIRES_AT: '1700000000',
      RENKU_ACCESS_TOKEN: 'access-token',
      RENKU_REFRESH_TOKEN: 'refresh-token',
      RENKU_REALM: 'Renku',
      RENKU_CLIENT_ID: 'renku',
      RENKU_CLIENT_SECRET: 'git-proxy-client-secret',
      RENKU_URL: 'https://renku.example.org',
      ANONYMOUS_SESSION: 'false',
      SESSION_TERMINATION_GRACE_PERIOD_SECONDS: '600',
    });
    const configured = variables('git-helpers-configured');
    // The git proxy exits if a variable is missing or empty.
    const unset = { GITLAB_OAUTH_TOKEN: 'None', RENKU_REFRESH_TOKEN: 'None', RENKU_CLIENT_SECRET: 'None' };
    expect(configured).toMatchObject({ ...unset, GIT_PROXY_PORT: '65480' });
    // The sessions have another host.
    expect(configured).toMatchObject({ RENKU_URL: 'https://platform.example.org' });
    const none = { GITLAB_OAUTH_TOKEN: 'None', RENKU_ACCESS_TOKEN: 'None', RENKU_CLIENT_SECRET: 'None' };
    expect(variables('git-helpers-anonymous')).toMatchObject({ ...none, ANONYMOUS_SESSION: 'true' });
  });

  it("gives this project's git proxy its credentials as files that no other main container has", () => {
    const { containers, pod } = rendered(example('own-git-helpers'));
    const mounts = (name: string) =>
      (container(containers, name).volumeMounts ?? []).map((mount) => [
        mount.name,
        'readOnly' in mount && mount.readOnly,
      ]);
    expect(container(containers, 'git-proxy')).toMatchObject({ args: ['/app/src/session-tools/git-proxy/main.js'] });
    expect(mounts('git-proxy')).toEqual([
      ['etc-ssl-certs', true],
      ['session-private', true],
      ['session-credentials', true],
    ]);
    expect(mounts('git-clone')).toEqual(
      expect.arrayContaining([
        ['session-private', false],
        ['session-credentials', true],
      ]),
    );
    for (const name of ['jupyter-server', 'git-sidecar']) {
      expect(mounts(name)).toContainEqual(['session-private', true]);
      expect(container(containers, name).env).toContainEqual({
        name: 'GIT_CONFIG_SYSTEM',
        value: '/run/notebook-sessions/gitconfig',
      });
    }
    const holders = containers.filter(({ name }) => mounts(name).some(([volume]) => volume === 'session-credentials'));
    expect(holders.map(({ name }) => name)).toEqual(['git-clone', 'git-proxy']);
    const tokens = containers
      .filter(({ name }) => ['git-clone', 'git-proxy'].includes(name))
      .flatMap(({ env = [] }) => env.filter(({ valueFrom }) => valueFrom !== undefined));
    expect(tokens).toEqual([]);
    expect(pod.volumes.find(({ name }) => name === 'session-private')).toMatchObject({
      emptyDir: { medium: 'Memory' },
    });
  });

  it('sets the port of the git proxy and the Sentry settings for git-clone', () => {
    const env = (name: string) => container(rendered(example(name)).containers, 'git-clone').env ?? [];
    expect(env('git-helpers-configured')).toEqual(
      expect.arrayContaining([
        { name: 'GIT_CLONE_GIT_PROXY_PORT', value: '65480' },
        { name: 'GIT_CLONE_SENTRY__ENABLED', value: 'true' },
        { name: 'GIT_CLONE_SENTRY__DSN', value: 'https://sentry.example.org/1' },
        { name: 'SENTRY_RELEASE', value: '1.0.0' },
      ]),
    );
    for (const name of ['git-helpers', 'git-helpers-originals']) {
      expect(env(name).map(({ name }) => name)).not.toContain('GIT_CLONE_GIT_PROXY_PORT');
    }
    expect(env('registered').filter(({ name }) => name.includes('SENTRY'))).toEqual([
      { name: 'GIT_CLONE_SENTRY__ENABLED', value: 'false' },
    ]);
  });

  it('makes the git sidecar reachable through oauth2-proxy only, and gives it time to save work at the end', () => {
    const { containers, children, server } = rendered(example('git-helpers'));
    const sidecar = container(containers, 'git-sidecar');
    const path = `/sessions/${server.metadata.name}/sidecar/`;
    expect(sidecar).toMatchObject({
      ports: [{ name: 'git-port', containerPort: 4000 }],
      volumeMounts: [{ name: 'workspace', mountPath: '/work/My-Project', subPath: 'My-Project' }],
      livenessProbe: { httpGet: { path: `${path}health`, port: 4000 }, periodSeconds: 10, failureThreshold: 2 },
      lifecycle: { preStop: { exec: { command: expect.arrayContaining(['autosave']) } } },
    });
    expect(sidecar.env).toContainEqual({ name: 'AUTOSAVE_MINIMUM_LFS_FILE_SIZE_BYTES', value: '1000000' });
    const { args = [] } = container(containers, 'oauth2-proxy');
    expect(args.filter((argument) => argument.startsWith('--upstream='))).toEqual([
      '--upstream=http://127.0.0.1:8888',
      `--upstream=http://127.0.0.1:4000${path}`,
    ]);
    expect(args).toEqual(
      expect.arrayContaining([
        `--skip-auth-route=^${path}health/?$`,
        '--skip-jwt-bearer-tokens=true',
        '--oidc-extra-audience=renku',
      ]),
    );
    expect(Object.values(children).filter(({ kind }) => kind === 'Service')).toHaveLength(1);
  });

  it('gives this project’s agent its key in a file, the whole workspace, and probes at the address of the pod', () => {
    const { containers, pod } = rendered(example('own-agent'));
    const agent = container(containers, 'git-sidecar');
    expect(agent).toMatchObject({
      args: ['/app/src/session-tools/agent/main.js'],
      volumeMounts: [
        { name: 'workspace', mountPath: '/work' },
        { name: 'etc-ssl-certs', mountPath: '/etc/ssl/certs/', readOnly: true },
        { name: 'session-agent', mountPath: '/run/notebook-sessions-agent', readOnly: true },
      ],
      livenessProbe: { httpGet: { path: '/health', port: 4001 } },
      lifecycle: {
        preStop: { exec: { command: ['/usr/local/bin/node', '/app/src/session-tools/agent/pre-stop.js'] } },
      },
    });
    expect(agent.env).toContainEqual({ name: 'GIT_RPC_HOST', value: '127.0.0.1' });
    expect(pod.volumes.filter(({ name }) => name === 'session-agent')).toHaveLength(1);
    expect(JSON.stringify(agent.env)).not.toContain('secretKeyRef');
  });

  it('adds the ssh port to the Service and the container, and mounts the host keys', () => {
    const { children, pod } = rendered(example('ssh'));
    expect(children['service']).toMatchObject({ spec: { clusterIP: '' } });
    expect((children['service'] as unknown as { spec: { ports: object[] } }).spec.ports).toEqual([
      expect.objectContaining({ name: 'http' }),
      { name: 'ssh', port: 22, protocol: 'TCP', targetPort: 'ssh' },
    ]);
    expect(pod.containers[0]?.ports).toEqual([{ name: 'ssh', containerPort: 2022, protocol: 'TCP' }]);
    expect(pod.containers[0]?.volumeMounts).toContainEqual(
      expect.objectContaining({ mountPath: '/opt/ssh/ssh_host_keys', readOnly: true }),
    );
  });

  it('has the configured class of ingress, or a route of the configured Gateway in place of the Ingress', () => {
    const { input, config } = example('ssh');
    const withEntrance = (more: Partial<Example['config']['sessions']['ingress']>) => {
      const ingress = { ...config.sessions.ingress, host: 'sessions.example.org:8443', ...more };
      return rendered({ input, config: { ...config, sessions: { ...config.sessions, ingress } } }).children;
    };
    expect(withEntrance({ class_name: 'nginx' })['ingress']).toMatchObject({ spec: { ingressClassName: 'nginx' } });
    const gateway = { name: 'public', namespace: 'gateways', section: null };
    const { ingress, httproute } = withEntrance({ class_name: 'nginx', gateway });
    expect(ingress).toBeUndefined();
    expect(httproute).toMatchObject({
      apiVersion: 'gateway.networking.k8s.io/v1',
      metadata: { name: input.name, ownerReferences: [{ kind: 'JupyterServer' }] },
      spec: {
        parentRefs: [{ name: 'public', namespace: 'gateways' }],
        hostnames: ['sessions.example.org'],
        rules: [
          {
            matches: [{ path: { type: 'PathPrefix', value: `/sessions/${input.name}` } }],
            backendRefs: [{ name: input.name, port: 80 }],
          },
        ],
      },
    });
  });

  it('adds a Dataset for each S3 bucket, with the access keys in a separate Secret', () => {
    const { children, pod, secrets, server } = rendered(example('s3-private'));
    const name = `${server.metadata.name}-ds-1`;
    expect(children[name]).toMatchObject({
      apiVersion: 'com.ie.ibm.hpsys/v1alpha1',
      kind: 'Dataset',
      metadata: { name, namespace: 'renku', ownerReferences: [{ uid: 'uid-1' }] },
      spec: {
        local: {
          type: 'COS',
          endpoint: 'http://minio.example.org:9000',
          bucket: 'bucket-two',
          readonly: 'false',
          'secret-name': `${name}-secret`,
          'secret-namespace': 'renku',
        },
      },
    });
    expect(pod.volumes).toContainEqual({ name, persistentVolumeClaim: { claimName: name } });
    expect(pod.containers[0]?.volumeMounts).toContainEqual({ name, mountPath: '/cloudstorage/bucket-two' });
    expect(Object.keys(secrets.find(({ metadata }) => metadata.name === `${name}-secret`)?.data ?? {})).toEqual([
      'accessKeyID',
      'secretAccessKey',
    ]);
    const open = rendered(example('s3-public'));
    expect(open.secrets.map(({ metadata }) => metadata.name)).not.toContain(expect.stringContaining('-ds-'));
    expect(container(open.containers, 'git-clone').env).toContainEqual({
      name: 'GIT_CLONE_S3_MOUNT',
      value: '/cloudstorage',
    });
  });

  it('adds a volume of Azure’s driver for each Azure container', () => {
    const { pod, secrets, server } = rendered(example('azure-blob'));
    const name = `${server.metadata.name}-ds-0`;
    expect(pod.volumes.find((volume) => volume.name === name)?.csi).toEqual({
      driver: 'blob.csi.azure.com',
      readOnly: true,
      volumeAttributes: {
        containerName: 'container',
        secretName: `${name}-secret`,
        server: 'account1.blob.core.windows.net',
        mountOptions: '-o allow_other --file-cache-timeout-in-seconds=120 -o ro',
      },
    });
    const data = secrets.find(({ metadata }) => metadata.name === `${name}-secret`)?.data ?? {};
    expect(Object.keys(data)).toEqual(['azurestorageaccountname', 'azurestorageaccountkey']);
    expect(Buffer.from(data['azurestorageaccountname'] ?? '', 'base64').toString()).toBe('account1');
  });
});
