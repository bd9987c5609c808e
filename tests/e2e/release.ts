import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Backends } from './backends.ts';
import { kubectlOf, type TestCluster } from './cluster/start.ts';
import { installChart } from './helm.ts';

/** The release of the chart that the tests use. */
export const release = {
  name: 'notebooks',
  namespace: 'platform',
  sessionsNamespace: 'sessions',
  /** From where the metrics may be read. */
  monitoringNamespace: 'monitoring',
  host: 'notebooks.test',
  sessionsHost: 'sessions.test',
  audience: 'notebook-sessions',
} as const;

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
  await installChart(cluster, { name: release.name, namespace, values: [values] });
}

export const resourceClass = { default: 1, tooLittleMemory: 2, tooManyCpus: 3 } as const;

const pool = {
  ...{ id: 1, name: 'pool', default: true, quota: null },
  classes: [
    { id: resourceClass.default, name: 'default', default: true, cpu: 0.1, memory: 0.6, max_storage: 5 },
    { id: resourceClass.tooLittleMemory, name: 'too little memory', cpu: 0.1, memory: 0.03, max_storage: 5 },
    { id: resourceClass.tooManyCpus, name: 'too many cpus', cpu: 200, memory: 0.6, max_storage: 5 },
  ],
};

function valuesFor({ registry }: TestCluster, { gitUrl, issuer }: Backends): object {
  const { sessionsNamespace, host, sessionsHost, audience } = release;
  const inNamespace = (name: string) => ({
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } },
  });
  const ingressController = [inNamespace('ingress')];
  return {
    images: { registry: registry.host },
    customCAs: [{ secret: 'company-ca' }],
    sessions: { namespace: sessionsNamespace },
    ingress: { enabled: true, host, tlsSecret: 'api-tls' },
    // Fewer than by default, because the kubelet waits longer before each restart.
    operator: { restartLimits: { init: 0, regular: 1 } },
    networkPolicies: {
      serviceFrom: ingressController,
      sessionsFrom: ingressController,
      metricsFrom: [inNamespace(release.monitoringNamespace)],
      // The addresses of pods, Services and nodes, except the servers that stand for the platform's GitLab, sign-in and WebDAV.
      sessionsBlocked: ['198.18.0.0/15'],
      sessionsExtraEgress: [
        { to: [{ ipBlock: { cidr: '198.18.0.1/32' } }], ports: [{ protocol: 'TCP', port: 8443, endPort: 8445 }] },
      ],
    },
    config: {
      git: { url: gitUrl, registry: registry.host },
      anonymous_sessions_enabled: true,
      resource_pools: [pool],
      identity: { gateway: 'verified', issuer, jwks_url: `${issuer}/keys`, audience },
      sessions: {
        // Less than by default, because a test waits for the end of this time.
        git_clone: { timeout_seconds: 30 },
        sync: { allowed_networks: ['198.18.0.1/32'] },
        supervisor_images: [
          { pattern: '*/projects/supervised/*', supervisor: 'on' },
          { pattern: '*/projects/own-entrypoint:1', supervisor: 'auto' },
        ],
        ingress: { host: sessionsHost, tls_secret: 'sessions-tls' },
        oidc: { client_secret: 'a secret of the tests' },
      },
    },
  };
}
