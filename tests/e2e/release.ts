import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import packageJson from '../../package.json' with { type: 'json' };
import type { Backends } from './backends.ts';
import { pushImage } from './cluster/registry.ts';
import { run } from './cluster/run.ts';
import { kubectlOf, type TestCluster } from './cluster/start.ts';

const root = join(import.meta.dirname, '..', '..');

/** The release of the chart that the tests use. */
export const release = {
  name: 'notebooks',
  namespace: 'platform',
  sessionsNamespace: 'sessions',
  host: 'notebooks.test',
  sessionsHost: 'sessions.test',
  audience: 'notebook-sessions',
} as const;

/** Pushes the images of the Dockerfile, with their names and the version as their tag. */
export async function pushImages({ registry }: TestCluster, images: string): Promise<void> {
  const names = readdirSync(images).filter((name) => name.endsWith('.json'));
  for (const name of names.map((file) => file.replace('.json', ''))) {
    await pushImage(registry, {
      name: `notebook-sessions/${name}:${packageJson.version}`,
      root: join(images, name),
      config: JSON.parse(readFileSync(join(images, `${name}.json`), 'utf8')),
    });
  }
}

/** Installs the chart, or upgrades it in a cluster that an earlier run has used. Resolves when all pods are ready. */
export async function installRelease(cluster: TestCluster, backends: Backends): Promise<void> {
  const kubectl = kubectlOf(cluster);
  const apply = async (name: string, object: object) => {
    const file = join(cluster.folder, `${name}.json`);
    writeFileSync(file, JSON.stringify(object), { mode: 0o600 });
    await kubectl(['apply', '-f', file]);
  };
  const { namespace, sessionsNamespace } = release;
  for (const name of [namespace, sessionsNamespace]) {
    await apply('namespace', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    await apply('authority', {
      ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'company-ca', namespace: name } },
      data: { 'company.crt': readFileSync(cluster.authority).toString('base64') },
    });
  }
  for (const [name, of] of [
    ['api-tls', namespace],
    ['sessions-tls', sessionsNamespace],
  ] as const) {
    const { key, cert } = cluster.certificates.ingress;
    await apply('tls', {
      ...{ apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata: { name, namespace: of } },
      data: { 'tls.key': readFileSync(key).toString('base64'), 'tls.crt': readFileSync(cert).toString('base64') },
    });
  }
  const values = join(cluster.folder, 'values.json');
  writeFileSync(values, JSON.stringify(valuesFor(cluster, backends)), { mode: 0o600 });
  await run(
    join(cluster.programs, 'helm'),
    [
      ...['upgrade', '--install', release.name, join(root, 'helm-chart', 'notebook-sessions')],
      ...['--namespace', namespace, '--values', values, '--wait', '--timeout', '180s'],
    ],
    { env: { ...process.env, KUBECONFIG: cluster.controlPlane.kubeconfig }, timeout: 200_000 },
  ).catch(async (error: unknown) => {
    const pods = await kubectl(['describe', 'pods', '--namespace', namespace]);
    const logs = await kubectl([
      'logs',
      '--namespace',
      namespace,
      '--selector=app.kubernetes.io/instance=notebooks',
      '--all-containers',
      '--tail=20',
      '--prefix',
    ]);
    throw new Error(`${String(error)}\n${pods}\n${logs}`);
  });
}

function valuesFor({ registry }: TestCluster, { gitUrl, issuer }: Backends): object {
  const { sessionsNamespace, host, sessionsHost, audience } = release;
  const ingressController = [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress' } } }];
  return {
    images: { registry: registry.host },
    customCAs: [{ secret: 'company-ca' }],
    sessions: { namespace: sessionsNamespace },
    ingress: { enabled: true, host, tlsSecret: 'api-tls' },
    networkPolicies: {
      serviceFrom: ingressController,
      sessionsFrom: ingressController,
      // The addresses of pods, Services and nodes, except the servers that stand for the platform's GitLab and sign-in.
      sessionsBlocked: ['198.18.0.0/15'],
      sessionsExtraEgress: [
        { to: [{ ipBlock: { cidr: '198.18.0.1/32' } }], ports: [{ protocol: 'TCP', port: 8443, endPort: 8444 }] },
      ],
    },
    config: {
      git: { url: gitUrl, registry: registry.host },
      anonymous_sessions_enabled: true,
      identity: { gateway: 'verified', issuer, jwks_url: `${issuer}/keys`, audience },
      sessions: {
        ingress: { host: sessionsHost, tls_secret: 'sessions-tls' },
        oidc: { client_secret: 'a secret of the tests' },
      },
    },
  };
}
