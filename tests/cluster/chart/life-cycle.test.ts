import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { chart, helm, kubectl, type Rendered, succeeded, valuesFile } from '../../support/helm.ts';

/** Installation, upgrade and removal on a real API server without nodes, so no pod becomes ready. */

/** A group of its own, so that the CRD of the other tests of this lane stays as it is. */
const group = `${randomBytes(4).toString('hex')}.example.org`;
const crdName = `jupyterservers.${group}`;
const namespaces: string[] = [];
let kubeconfig: string;

beforeAll(() => {
  kubeconfig = inject('controlPlane')?.kubeconfig ?? '';
});
afterAll(() => {
  if (kubeconfig === '') return;
  kubectl(['delete', 'crd', crdName, '--ignore-not-found', '--wait=false'], kubeconfig);
  if (namespaces.length > 0) kubectl(['delete', 'namespace', ...namespaces, '--wait=false'], kubeconfig);
});

function newNamespace(): string {
  const name = `chart-${randomBytes(4).toString('hex')}`;
  namespaces.push(name);
  succeeded(kubectl(['create', 'namespace', name], kubeconfig));
  return name;
}

function act(verb: 'install' | 'upgrade', namespace: string, more: readonly string[] = []) {
  const values = valuesFile(join(import.meta.dirname, 'values', 'anonymous.yaml'), namespace);
  const args = [
    verb,
    'sessions',
    chart,
    '--namespace',
    namespace,
    '--values',
    '-',
    '--set',
    `config.amalthea.group=${group}`,
  ];
  return helm([...args, ...more], kubeconfig, values);
}

function get(namespace: string, ...args: string[]): Rendered {
  return JSON.parse(succeeded(kubectl(['get', '--namespace', namespace, '-o', 'json', ...args], kubeconfig)));
}

const crd = () => get('default', 'crd', crdName);
const properties = () => crd()['spec'].versions[0].schema.openAPIV3Schema.properties.spec.properties;
/** Returns the generated values: the secret of cookies and those of the agents, in base64. */
const generatedIn = (namespace: string): string[] => {
  const { data } = get(namespace, 'secret', 'sessions-notebook-sessions');
  return [data['identity.cookie_secret'], data['sessions.agent_secrets']];
};

/** Returns the folder of a chart like that of Amalthea, with another version of the CRD. */
function chartWithCrd(): string {
  const foreign = parse(readFileSync(join(chart, 'files', 'jupyterserver-crd.yaml'), 'utf8'));
  foreign.metadata = { name: crdName };
  foreign.spec.group = group;
  const { spec } = foreign.spec.versions[0].schema.openAPIV3Schema.properties;
  // A field that only the other release knows, a field that it lacks, and a field that it restricts less.
  spec.properties.later = { type: 'string' };
  delete spec.properties.culling.properties.maxAgeSecondsThreshold;
  delete spec.properties.culling.properties.idleSecondsThreshold.minimum;
  foreign.spec.versions.push({ ...structuredClone(foreign.spec.versions[0]), name: 'v1beta1', storage: false });
  const folder = mkdtempSync(join(tmpdir(), 'other-chart-'));
  mkdirSync(join(folder, 'templates'));
  writeFileSync(join(folder, 'Chart.yaml'), stringify({ apiVersion: 'v2', name: 'amalthea', version: '0.12.3' }));
  writeFileSync(
    join(folder, 'templates', 'crd.yaml'),
    `{{- if .Values.deployCrd }}\n${JSON.stringify(foreign)}\n{{- end }}\n`,
  );
  return folder;
}

describe('a release', () => {
  it('restarts its pods at an upgrade if Secrets that they read have changed, and not otherwise', () => {
    const namespace = newNamespace();
    const write = (name: string, key: string, text: string) =>
      succeeded(
        kubectl(
          ['apply', '--namespace', namespace, '-f', '-'],
          kubeconfig,
          JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { [key]: text } }),
        ),
      );
    const templates = () =>
      ['sessions-notebook-sessions', 'sessions-notebook-sessions-operator'].map(
        (name) => get(namespace, 'deployment', name)['spec'].template,
      );
    const more = [
      '--set',
      'crd.install=false,customCAs[0].secret=company-ca,existingSecrets[0].config=sessions.oidc.client_secret,existingSecrets[0].name=client,existingSecrets[0].key=secret',
    ];
    write('company-ca', 'ca.crt', 'one');
    write('client', 'secret', 'one');
    succeeded(act('install', namespace, more));
    const installed = templates();
    succeeded(act('upgrade', namespace, more));
    expect(templates()).toEqual(installed);
    write('client', 'secret', 'two');
    succeeded(act('upgrade', namespace, more));
    const [service, operator] = templates();
    expect(service).not.toEqual(installed[0]);
    expect(operator).toEqual(installed[1]);
    write('company-ca', 'ca.crt', 'two');
    succeeded(act('upgrade', namespace, more));
    expect(templates()[0]).not.toEqual(service);
    expect(templates()[1]).not.toEqual(operator);
  });

  it('keeps its generated Secret at upgrades, and leaves it, the CRD, sessions and claims when it is removed', () => {
    const namespace = newNamespace();
    succeeded(act('install', namespace));
    const generated = generatedIn(namespace);
    expect(generated.map(atob)).toEqual([
      expect.stringMatching(/^[A-Za-z0-9]{48}$/),
      expect.stringMatching(/^\["[A-Za-z0-9]{48}"\]$/),
    ]);
    succeeded(act('upgrade', namespace, ['--set', 'service.replicaCount=3']));
    expect(generatedIn(namespace)).toEqual(generated);

    succeeded(kubectl(['wait', '--for=condition=Established', 'crd', crdName], kubeconfig));
    const session = {
      apiVersion: `${group}/v1alpha1`,
      kind: 'JupyterServer',
      metadata: { name: 'kept', namespace },
      spec: { jupyterServer: { image: 'i' } },
    };
    const claim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'kept', namespace },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
    };
    succeeded(kubectl(['apply', '-f', '-'], kubeconfig, `${JSON.stringify(session)}\n---\n${JSON.stringify(claim)}`));
    const before = [crd(), get(namespace, crdName, 'kept'), get(namespace, 'pvc', 'kept')].map(
      (each) => each.metadata.uid,
    );

    const removed = succeeded(helm(['uninstall', 'sessions', '--namespace', namespace], kubeconfig));
    expect(removed).toContain(`[CustomResourceDefinition] ${crdName}`);
    const left = get(
      namespace,
      'all,serviceaccounts,roles,rolebindings,networkpolicies,poddisruptionbudgets,configmaps,secrets',
    );
    const names = left['items'].map(({ kind, metadata }: Rendered) => `${kind} ${metadata.name}`);
    expect(names.filter((each: string) => each.includes('sessions'))).toEqual(['Secret sessions-notebook-sessions']);

    succeeded(act('install', namespace));
    const after = [crd(), get(namespace, crdName, 'kept'), get(namespace, 'pvc', 'kept')].map(
      (each) => each.metadata.uid,
    );
    expect(after).toEqual(before);
    expect(generatedIn(namespace)).toEqual(generated);
    succeeded(helm(['uninstall', 'sessions', '--namespace', namespace], kubeconfig));
    succeeded(kubectl(['delete', 'crd', crdName], kubeconfig));
  });

  it('adopts a CRD that another release has installed: adds fields, and removes and restricts nothing', () => {
    const elsewhere = newNamespace();
    const other = (...args: string[]) => succeeded(helm([...args, '--namespace', elsewhere], kubeconfig));
    const otherChart = chartWithCrd();
    other('install', 'amalthea', otherChart, '--set', 'deployCrd=true');
    succeeded(kubectl(['wait', '--for=condition=Established', 'crd', crdName], kubeconfig));
    const session = {
      apiVersion: `${group}/v1alpha1`,
      kind: 'JupyterServer',
      metadata: { name: 'kept', namespace: elsewhere },
    };
    succeeded(kubectl(['create', '-f', '-'], kubeconfig, JSON.stringify({ ...session, spec: { later: 'x' } })));
    const { uid } = crd().metadata;

    const namespace = newNamespace();
    const refused = act('install', namespace);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain(`CustomResourceDefinition "${crdName}"`);
    expect(refused.stderr).toContain('must equal "sessions": current value is "amalthea"');

    // Helm 4 applies objects on the server, which knows that another program has written the CRD.
    const isHelm4 = succeeded(helm(['version', '--short'])).startsWith('v4.');
    succeeded(act('install', namespace, ['--take-ownership', ...(isHelm4 ? ['--force-conflicts'] : [])]));
    const adopted = crd();
    expect(adopted.metadata.uid).toBe(uid);
    expect(adopted.metadata.annotations).toMatchObject({
      'helm.sh/resource-policy': 'keep',
      'meta.helm.sh/release-name': 'sessions',
    });
    expect(adopted['spec'].versions.map(({ name }: { name: string }) => name)).toEqual(['v1alpha1', 'v1beta1']);
    expect(properties().later).toEqual({ type: 'string' });
    expect(properties().culling.properties.idleSecondsThreshold).not.toHaveProperty('minimum');
    expect(properties().culling.properties.maxAgeSecondsThreshold).toMatchObject({ type: 'integer', minimum: 0 });

    // The removal of the other release, first without its CRD, leaves the CRD and the sessions.
    other('upgrade', 'amalthea', otherChart, '--set', 'deployCrd=false');
    other('uninstall', 'amalthea');
    succeeded(helm(['uninstall', 'sessions', '--namespace', namespace], kubeconfig));
    expect(crd().metadata).toMatchObject({ uid });
    expect(crd().metadata).not.toHaveProperty('deletionTimestamp');
    expect(get(elsewhere, crdName, 'kept')['spec'].later).toBe('x');
  });

  it('does not need permissions for the CRD if it does not manage the CRD', () => {
    const namespace = newNamespace();
    succeeded(kubectl(['create', 'serviceaccount', 'deployer', '--namespace', namespace], kubeconfig));
    // Everything in the namespace, and nothing outside of it.
    const rules = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }];
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'deployer', namespace },
      rules,
    };
    succeeded(kubectl(['apply', '-f', '-'], kubeconfig, JSON.stringify(role)));
    const bind = ['create', 'rolebinding', 'deployer', '--role=deployer', `--serviceaccount=${namespace}:deployer`];
    succeeded(kubectl([...bind, '--namespace', namespace], kubeconfig));
    const as = ['--kube-as-user', `system:serviceaccount:${namespace}:deployer`];
    const refused = act('install', namespace, as);
    expect(refused.stderr).toContain('customresourcedefinitions.apiextensions.k8s.io');
    succeeded(act('install', namespace, [...as, '--set', 'crd.install=false']));
  });
});
