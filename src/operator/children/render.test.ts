import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { jupyterServer, settings } from '../../../tests/support/operator/examples.ts';
import { childLabels } from '../../jupyter-server/labels.ts';
import type { JupyterServerSpec } from '../../jupyter-server/types.ts';
import { projectChild } from '../child.ts';
import { projectPod } from '../pod.ts';
import { childKinds } from './manifest.ts';
import { renderChildren } from './render.ts';

/** Returns a source of bytes that differ in each call but not in each test run, so that the Secret can be compared. */
function counting() {
  let calls = 0;
  return (length: number) => {
    calls += 1;
    return Buffer.alloc(length, calls);
  };
}

const render = (spec: JupyterServerSpec, more = {}) => renderChildren(jupyterServer(spec, more), settings, counting());

/** Returns the part of the StatefulSet that the tests read. */
function podSpecOf(spec: JupyterServerSpec) {
  const statefulSet = render(spec)['statefulset'] as unknown as {
    spec: {
      replicas: number;
      template: {
        metadata: { labels: Record<string, string> };
        spec: { containers: { args: string[]; resources: object }[] };
      };
    };
  };
  return statefulSet.spec;
}

const registered: JupyterServerSpec = {
  auth: {
    token: '',
    oidc: {
      enabled: true,
      clientId: 'jupyterservers',
      clientSecret: { secretKeyRef: { name: 'ada-flights-1a2b-credentials', key: 'oidc-client-secret' } },
      issuerUrl: 'https://example.org/auth/realms/Example',
      authorizedEmails: ['ada@example.org'],
      authorizedGroups: ['staff'],
    },
  },
  jupyterServer: {
    image: 'registry.example.org/ada/flights:1a2b3c4',
    rootDir: '/home/jovyan/work/flights',
    resources: { requests: { cpu: 0.5, memory: 1000000000 }, limits: { memory: 1000000000 } },
  },
  routing: {
    tls: { enabled: true, secretName: 'tls' },
    ingressAnnotations: { 'kubernetes.io/ingress.class': 'nginx' },
  },
  storage: { size: 2000000000, pvc: { enabled: true, storageClassName: 'fast' } },
};

const anonymous: JupyterServerSpec = {
  auth: { token: 'the-token' },
  routing: { host: 'localhost:8000' },
  storage: { size: '' },
};

describe('children', () => {
  it.each([
    ['registered', registered],
    ['anonymous', anonymous],
  ])('of a session of a %s user match the golden file', async (name, spec) => {
    await expect(stringify(render(spec), { lineWidth: 0, aliasDuplicateObjects: false })).toMatchFileSnapshot(
      `golden/${name}.yaml`,
    );
  });

  it('have the CRD’s defaults if the spec has only a host', () => {
    const children = render({});
    expect(Object.keys(children)).toEqual(['service', 'ingress', 'statefulset', 'configmap', 'secret']);
    expect(JSON.stringify(children['statefulset'])).toContain('jupyter/minimal-notebook:latest');
  });

  it('have the JupyterServer’s labels, which do not replace the operator’s labels', () => {
    const children = render(
      {},
      { metadata: { labels: { app: 'mine', 'amalthea.dev/parent-uid': 'forged', team: 'blue' } } },
    );
    expect(children['service']?.metadata.labels).toMatchObject({
      app: 'ada-flights-1a2b',
      team: 'blue',
      'amalthea.dev/parent-uid': 'uid-of-server',
      'amalthea.dev/child-key': 'service',
    });
    expect(children['configmap']?.metadata.labels?.['app']).toBe('mine');
  });

  it('and their pod have labels with the API group of the JupyterServer, by which the operator finds them', () => {
    const other = { ...settings, jupyterServers: { ...settings.jupyterServers, group: 'sessions.example.org' } };
    const { statefulset } = renderChildren(jupyterServer({}), other, counting());
    const kind = childKinds.find((each) => each.kind === 'StatefulSet');
    if (!statefulset || !kind) throw new Error('no StatefulSet');
    expect(JSON.stringify(statefulset)).not.toContain('amalthea.dev/parent');
    const parent = { parentName: 'ada-flights-1a2b', parentUid: 'uid-of-server' };
    const { template } = statefulset['spec'] as { template: { metadata: { labels: Record<string, string> } } };
    const own = childLabels('sessions.example.org');
    expect(projectChild(kind, own)(statefulset)).toMatchObject({ key: 'statefulset', ...parent });
    expect(projectPod(template, own)).toMatchObject(parent);
    const amalthea = childLabels('amalthea.dev');
    expect([projectChild(kind, amalthea)(statefulset), projectPod(template, amalthea)]).toEqual([undefined, undefined]);
  });

  it('have the JupyterServer’s resources and hibernation even if a patch changes them', () => {
    const { replicas, template } = podSpecOf({
      jupyterServer: { hibernated: true, resources: { requests: { cpu: 2 } } },
      patches: [
        {
          type: 'application/json-patch+json',
          patch: [
            {
              op: 'add',
              path: '/statefulset/spec/template/spec/containers/0/resources',
              value: { requests: { cpu: 9 } },
            },
          ],
        },
      ],
    });
    expect(replicas).toBe(0);
    expect(template.spec.containers[0]?.resources).toEqual({ requests: { cpu: 2 } });
    expect(template.metadata.labels['amalthea.dev/main-pod']).toBe('true');
    expect(template.metadata.labels['amalthea.dev/child-key']).toBeUndefined();
  });

  it('share no objects, so that a patch of one probe does not change the other probes', () => {
    const path = '/statefulset/spec/template/spec/containers/0/readinessProbe/httpGet/path';
    const patch = {
      type: 'application/json-patch+json' as const,
      patch: [{ op: 'replace' as const, path, value: '/other' }],
    };
    const text = JSON.stringify(podSpecOf({ patches: [patch] }));
    expect(text.match(/\/other/g)).toHaveLength(1);
  });

  it('that patches add have an owner and labels like all other children', () => {
    const value = { apiVersion: 'v1', kind: 'Secret', metadata: {}, stringData: { a: 'b' } };
    const { extra } = render({
      patches: [{ type: 'application/json-patch+json', patch: [{ op: 'add', path: '/extra', value }] }],
    });
    expect(extra?.metadata).toMatchObject({ generateName: 'ada-flights-1a2b-', namespace: 'sessions' });
    expect(extra?.metadata.ownerReferences?.[0]).toMatchObject({
      kind: 'JupyterServer',
      uid: 'uid-of-server',
      controller: true,
    });
  });

  it.each<[string, JupyterServerSpec, string]>([
    ['no host', { routing: { host: '' } }, 'spec.routing.host is missing'],
    ['a URL as host', { routing: { host: 'https://a.example' } }, 'spec.routing.host is not a host name'],
    ['a path with a quote', { routing: { path: '/a"b' } }, 'spec.routing.path'],
    ['a path with a line break', { routing: { path: '/a\nb' } }, 'spec.routing.path'],
    [
      'an email address with a second line',
      { auth: { oidc: { enabled: true, authorizedEmails: ['a@example.org\n*'] } } },
      'control character',
    ],
    [
      'patches that remove the StatefulSet',
      { patches: [{ type: 'application/json-patch+json', patch: [{ op: 'remove', path: '/statefulset' }] }] },
      'leave no StatefulSet',
    ],
    [
      'a child in another namespace',
      {
        patches: [
          { type: 'application/merge-patch+json', patch: { service: { metadata: { namespace: 'kube-system' } } } },
        ],
      },
      'child service is in another namespace',
    ],
    [
      'a child that is not an object',
      { patches: [{ type: 'application/merge-patch+json', patch: { extra: 'text' } }] },
      'child extra is not a Kubernetes object',
    ],
  ])('%s causes an error', (_name, spec, message) => {
    expect(() => render(spec)).toThrow(message);
  });

  it.each(['9abc', 'a.b', 'a'.repeat(53), 'A', 'a-'])(
    'the name %s causes an error, because the StatefulSet could not create its pod',
    (name) => {
      expect(() => render({}, { metadata: { name } })).toThrow('metadata.name');
    },
  );
});

describe('the address of a session', () => {
  it.each([
    ['/', '/', '/api', 'http://sessions.example.org'],
    ['', '/', '/api', 'http://sessions.example.org'],
    ['/a/', '/a', '/a/api', 'http://sessions.example.org/a'],
    ['a', '/a', '/a/api', 'http://sessions.example.org/a'],
    ['/a//b/', '/a/b', '/a/b/api', 'http://sessions.example.org/a/b'],
  ])('has the path %j in the Ingress, the probe and the redirect', (path, ingressPath, probePath, full) => {
    const text = JSON.stringify(render({ auth: { oidc: { enabled: true } }, routing: { path } }));
    expect(text).toContain(`"path":"${ingressPath}","pathType"`);
    expect(text).toContain(`"path":"${probePath}","port":8888`);
    expect(text).toContain(`--redirect-url=${full}/oauth2/callback`);
  });

  it('has its port in Jupyter’s configuration, and not in the Ingress', () => {
    const children = render({ routing: { host: 'localhost:8000' } });
    expect(JSON.stringify(children['ingress'])).toContain('"host":"localhost"');
    expect(JSON.stringify(children['configmap'])).toContain('allow_origin = \\"http://localhost:8000\\"');
  });

  it('is escaped in a regular expression, and $(...) is escaped in arguments', () => {
    const spec = {
      auth: { oidc: { enabled: true, clientId: '$(OAUTH2_PROXY_CLIENT_SECRET)' } },
      routing: { path: '/a.b' },
    };
    const { args } = podSpecOf(spec).template.spec.containers[1] ?? { args: [] };
    expect(args).toContain('--skip-auth-route=^/a\\.b/api/status$');
    expect(args).toContain('--client-id=$$(OAUTH2_PROXY_CLIENT_SECRET)');
  });
});

describe('the secret', () => {
  const secretOf = (spec: JupyterServerSpec) => {
    const data = (render(spec)['secret'] as unknown as { data: Record<string, string> }).data;
    return Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
    );
  };

  it('has the token of the spec, even if it is empty; without a token in the spec, a random token', () => {
    expect(secretOf({ auth: { token: 't' } })['jupyterServerAppToken']).toBe('t');
    expect(secretOf({ auth: { token: '' } })['jupyterServerAppToken']).toBe('');
    expect(secretOf({})['jupyterServerAppToken']).toMatch(/^[0-9a-f]{64}$/);
  });

  it('is the only child that has the session’s token', () => {
    const { secret: _, ...others } = render({ auth: { token: 'the-token' } });
    expect(JSON.stringify(others)).not.toContain('the-token');
  });

  it('has a cookie key of 32 bytes for oauth2-proxy, and the client secret if the spec has its value', () => {
    const values = secretOf({ auth: { oidc: { enabled: true, clientSecret: { value: 's' } } } });
    expect(Buffer.from(values['oauth2ProxyCookieSecret'] ?? '', 'base64url')).toHaveLength(32);
    expect(values['oidcClientSecret']).toBe('s');
  });
});

describe('the Python configuration of Jupyter', () => {
  const reader = `
import sys, types
class Group:
    def __init__(self): self.__dict__['values'] = {}
    def __setattr__(self, name, value): self.values[name] = value
class Config:
    def __getattr__(self, name):
        group = self.__dict__.setdefault(name, Group()); return group
import json
results = []
for source in json.load(open(sys.argv[1], encoding='utf-8')):
    c = Config()
    exec(compile(source, 'config', 'exec'), {'c': c})
    apps = (c.ServerApp, c.LabApp, c.JupyterNotebookApp)
    results.append([c.ServerApp.values['root_dir'], *(app.values['default_url'] for app in apps)])
print(json.dumps(results))
`;

  it('has exactly the values of the JupyterServer, whatever characters they contain', () => {
    const hostile = fc.string({ unit: 'grapheme', maxLength: 40 });
    const texts = [
      ...fc.sample(hostile, 200),
      '"; import os; os._exit(1) #',
      "'''",
      '\\',
      '\\"',
      '\n\r\t\0',
      '\u2028\u2029\u0085',
      '{}%s $(x)',
      '😀',
    ];
    const sources = texts.map((text) => {
      const { data } = render({ jupyterServer: { rootDir: text, defaultUrl: text } })['configmap'] as unknown as {
        data: Record<string, string>;
      };
      return data['jupyter_server_config.py'];
    });
    const folder = mkdtempSync(join(tmpdir(), 'config-'));
    writeFileSync(join(folder, 'sources.json'), JSON.stringify(sources));
    writeFileSync(join(folder, 'reader.py'), reader);
    const out = execFileSync('python3', [join(folder, 'reader.py'), join(folder, 'sources.json')], {
      env: { ...process.env, SERVER_APP_TOKEN: 't' },
      encoding: 'utf8',
    });
    rmSync(folder, { recursive: true });
    expect(JSON.parse(out)).toEqual(texts.map((text) => [text, text, text, text]));
  });
});
