import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { childLabels } from '../../../src/jupyter-server/labels.ts';
import { readSettings } from '../../../src/operator/settings.ts';
import {
  chart,
  configurationOf,
  environmentOf,
  helm,
  kubectl,
  lint,
  objectsOf,
  type Rendered,
  succeeded,
  template,
  the,
  valuesFile,
} from '../../support/helm.ts';

/** The chart with each file of tests/cluster/chart/values, and with demo.yaml, on a real API server without nodes. */

const folder = join(import.meta.dirname, 'values');
const files = [...readdirSync(folder).map((name) => join(folder, name)), join(chart, 'demo.yaml')];
const namespace = `chart-${randomBytes(4).toString('hex')}`;
let kubeconfig: string;

beforeAll(() => {
  const controlPlane = inject('controlPlane');
  if (!controlPlane) return;
  kubeconfig = controlPlane.kubeconfig;
  const restricted = (name: string) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { 'pod-security.kubernetes.io/warn': 'restricted' } },
  });
  const namespaces = [restricted(namespace), restricted(`${namespace}-sessions`)].map((each) => JSON.stringify(each));
  succeeded(kubectl(['apply', '-f', '-'], kubeconfig, namespaces.join('\n---\n')));
  const crds = readFileSync(join(import.meta.dirname, 'stand-in-crds.yaml'), 'utf8');
  succeeded(kubectl(['apply', '-f', '-'], kubeconfig, crds));
  succeeded(kubectl(['wait', '--for=condition=Established', '-f', '-'], kubeconfig, crds));
});

describe.each(files.map((path) => [path.slice(path.lastIndexOf('/') + 1), path]))('the values %s', (name, path) => {
  const values = () => valuesFile(path, namespace);
  let output: string;
  let objects: Rendered[];
  beforeAll(() => {
    if (!inject('controlPlane')) return;
    output = succeeded(template(values(), { namespace }));
    objects = objectsOf(output);
  });

  it('pass the linter', () => {
    succeeded(lint(values()));
  });

  it('give objects that the API server accepts without a warning, also with restricted Pod Security', () => {
    const { status, stderr, stdout } = kubectl(
      ['apply', '--dry-run=server', '--validate=strict', '-f', '-'],
      kubeconfig,
      output,
    );
    const kept = stderr.split('\n').filter((line) => !line.includes('missing the kubectl.kubernetes.io/last-applied'));
    expect({ status, stderr: kept.join('\n') }).toEqual({ status: 0, stderr: '' });
    expect(stdout.trim().split('\n')).toHaveLength(objects.length);
  });

  it('give a configuration that the service and the operator can read', () => {
    const { config, warnings } = configurationOf(objects);
    expect(config.k8s.renku_namespace).toBe(namespace);
    // These values name the git programs of both projects.
    const mixed = expect.stringContaining('sessions.git_clone is of this project');
    const expected = name === 'trusted.yaml' ? [expect.stringContaining('identity.gateway is trusted'), mixed] : [];
    expect(warnings).toEqual(expected);
    if (name === 'without-operator.yaml') return;
    const settings = readSettings(environmentOf(objects, 'operator'));
    expect(settings.jupyterServers).toEqual(config.amalthea);
    expect(settings.agentSecrets).toHaveLength(1);
    expect(settings.agentSecrets).toEqual(config.sessions.agent_secrets);
    const { sessions_namespace } = config.k8s;
    expect(settings.namespaces).toEqual([...(sessions_namespace ? [sessions_namespace] : []), namespace]);
  });

  it('give no secret outside of Secrets', () => {
    const { config } = configurationOf(objects);
    const others = JSON.stringify(objects.filter(({ kind }) => kind !== 'Secret'));
    const secrets = [
      config.sessions.git_proxy.renku_client_secret,
      config.sessions.git_clone.sentry.dsn,
      config.sessions.git_rpc_server.sentry.dsn,
      config.identity.cookie_secret,
      ...config.sessions.agent_secrets,
      config.sessions.oidc.client_secret.length > 1 ? config.sessions.oidc.client_secret : null,
    ].filter((each) => each !== null);
    expect(secrets.length).toBeGreaterThan(0);
    for (const secret of secrets) expect(others).not.toContain(JSON.stringify(secret).slice(1, -1));
  });
});

describe('the chart', () => {
  const rendered = (name: string) =>
    objectsOf(succeeded(template(valuesFile(join(folder, name), namespace), { namespace })));

  it('reads the values of an umbrella chart', () => {
    const objects = rendered('umbrella.yaml');
    const { config } = configurationOf(objects);
    expect(config).toMatchObject({
      git: { url: 'https://renku.example.org/gitlab', registry: 'registry.renku.example.org' },
      keycloak_realm: 'Research',
      anonymous_sessions_enabled: true,
      crc_url: 'http://renku-crc/api/data',
      identity: {
        gateway: 'verified',
        issuer: 'https://renku.example.org/auth/realms/Research',
        jwks_url: 'https://renku.example.org/auth/realms/Research/protocol/openid-connect/certs',
        audience: 'renku',
      },
      sessions: {
        ca_certs: { image: 'renku/certificates:0.0.2', secrets: [{ secret: 'company-ca' }] },
        git_proxy: { platform_url: 'https://renku.example.org', renku_client_secret: 'gateway-secret' },
        ingress: { host: 'sessions.example.org' },
      },
    });
    expect(environmentOf(objects, 'service')).toMatchObject({
      NODE_EXTRA_CA_CERTS: '/etc/ssl/certs/ca-certificates.crt',
    });
  });

  it('can be the dependency "notebooks" of an umbrella chart', () => {
    const umbrella = mkdtempSync(join(tmpdir(), 'umbrella-'));
    const { version } = parse(readFileSync(join(chart, 'Chart.yaml'), 'utf8'));
    const dependency = { name: 'notebook-sessions', version, alias: 'notebooks', condition: 'notebooks.enabled' };
    const own = { apiVersion: 'v2', name: 'platform', version: '1.0.0', dependencies: [dependency] };
    writeFileSync(join(umbrella, 'Chart.yaml'), stringify(own));
    cpSync(chart, join(umbrella, 'charts', 'notebook-sessions'), { recursive: true });
    const { global, ...inner } = parse(readFileSync(join(folder, 'umbrella.yaml'), 'utf8'));
    const values = (more: object) => stringify({ global, notebooks: { ...inner, ...more } });
    const run = (text: string) =>
      helm(['template', 'renku', umbrella, '--kube-version', '1.36.0', '--values', '-'], undefined, text);
    const objects = objectsOf(succeeded(run(values({}))));
    expect(the(objects, 'Deployment', 'service').metadata.name).toBe('renku-notebooks');
    expect(configurationOf(objects).config.git.url).toBe('https://renku.example.org/gitlab');
    expect(objectsOf(succeeded(run(values({ enabled: false }))))).toEqual([]);
    expect(run(values({ replicaCount: 2 })).stderr).toContain("additional properties 'replicaCount' not allowed");
    rmSync(umbrella, { recursive: true });
  });

  it('keeps numbers and secrets exactly as they are in the values', () => {
    const { config } = configurationOf(rendered('verified.yaml'));
    expect(config.sessions.termination_grace_period_seconds).toBe(1_000_000);
    expect(config.sessions.oidc.client_secret).toBe('a "secret" with $symbols and {braces}');
    expect(config.sessions.ingress.annotations).toEqual({ 'example.org/body-size': '0' });
  });

  it('creates sessions in a namespace of their own, with separate Roles', () => {
    const objects = rendered('namespaces.yaml');
    const { config } = configurationOf(objects);
    expect(config.k8s).toEqual({ renku_namespace: namespace, sessions_namespace: `${namespace}-sessions` });
    const verbs = (of: string) => {
      const role = objects.find(
        ({ kind, metadata }) =>
          kind === 'Role' &&
          metadata.namespace === of &&
          metadata.labels?.['app.kubernetes.io/component'] === 'service',
      );
      return role?.['rules'][0].verbs;
    };
    expect(verbs(`${namespace}-sessions`)).toContain('create');
    expect(verbs(namespace)).not.toContain('create');
    const bindings = objects.filter(({ kind }) => kind === 'RoleBinding');
    expect(bindings).toHaveLength(5);
    for (const { subjects } of bindings) expect(subjects[0].namespace).toBe(namespace);
  });

  it('gives the programs no permissions about sessions in the namespace of the release, if they do not use it', () => {
    const file = valuesFile(join(folder, 'namespaces.yaml'), namespace);
    const more = ['--set', 'sessions.inReleaseNamespace=false'];
    const objects = objectsOf(succeeded(template(file, { namespace, more })));
    expect(configurationOf(objects).config.k8s).toEqual({
      renku_namespace: `${namespace}-sessions`,
      sessions_namespace: null,
    });
    expect(environmentOf(objects, 'operator')).toMatchObject({ NAMESPACES: `${namespace}-sessions` });
    const rules = objects
      .filter(({ kind, metadata }) => kind === 'Role' && metadata.namespace === namespace)
      .flatMap((role) => role['rules'] as { resources: string[] }[])
      .flatMap(({ resources }) => resources);
    expect(new Set(rules)).toEqual(new Set(['leases']));
  });

  it('has a disruption budget only for a program with more than one replica', () => {
    const budgets = (...more: string[]) =>
      objectsOf(
        succeeded(
          template(valuesFile(join(folder, 'anonymous.yaml'), namespace), { namespace, more: ['--set', ...more] }),
        ),
      )
        .filter(({ kind }) => kind === 'PodDisruptionBudget')
        .map(({ spec }) => spec.selector.matchLabels['app.kubernetes.io/component']);
    expect(budgets('service.replicaCount=2')).toEqual(['service', 'operator']);
    expect(budgets('service.replicaCount=1')).toEqual(['operator']);
    expect(budgets('service.autoscaling.enabled=true,service.autoscaling.minReplicas=1')).toEqual(['operator']);
    expect(budgets('operator.replicaCount=1')).toEqual(['service']);
  });

  it('selects the pods of the service and the operator for metrics, and no pods of sessions', () => {
    const objects = rendered('anonymous.yaml');
    const selector: Record<string, string> = the(objects, 'Service', 'metrics')['spec'].selector;
    const isSelected = (labels: Readonly<Record<string, string>>) =>
      Object.entries(selector).every(([key, value]) => labels[key] === value);
    for (const program of ['service', 'operator'] as const) {
      expect(isSelected(the(objects, 'Deployment', program)['spec'].template.metadata.labels)).toBe(true);
    }
    const { selectorLabels } = readSettings(environmentOf(objects, 'operator'));
    expect(isSelected({ ...selectorLabels, [childLabels('amalthea.dev').component]: 'jupyterserver' })).toBe(false);
  });

  it('warns in its notes of one host for sessions and the API, and of images from a registry of others', () => {
    // `helm template` does not print the notes, so a copy of the chart has an object with them.
    const copy = mkdtempSync(join(tmpdir(), 'notes-'));
    cpSync(chart, copy, { recursive: true });
    const object = 'notes: {{ include (print $.Template.BasePath "/NOTES.txt") . | quote }}\n';
    writeFileSync(join(copy, 'templates', 'notes.yaml'), object);
    const notes = (...more: string[]): string => {
      const values = ['--values', join(chart, 'demo.yaml'), ...more.flatMap((each) => ['--set', each])];
      const args = ['template', 'demo', copy, '--kube-version', '1.36.0', '--show-only', 'templates/notes.yaml'];
      return parse(succeeded(helm([...args, ...values]))).notes;
    };
    const registry = 'images.registry=registry.example.org/team';
    const [oneHost, others] = ['sessions and the API have the same host', 'images.registry is empty'];
    expect(notes(registry)).not.toContain('WARNING');
    expect(notes()).toContain(others);
    expect(notes(registry, 'config.sessions.ingress.host=notebooks.localhost:8443')).toContain(oneHost);
    // Without an Ingress, the API of an umbrella chart has its domain.
    const domain = ['global.renku.domain=renku.example.org', 'config.sessions.ingress.host=null'];
    expect(notes(registry, ...domain)).toContain(oneHost);
    const without = 'config.sessions.containers.registered={jupyter-server,oauth2-proxy}';
    expect(notes(registry, 'config.identity.gateway=trusted', without)).toContain('does not list git-sidecar');
    rmSync(copy, { recursive: true });
  });

  it('restarts the service when the configuration changes, and not otherwise', () => {
    const checksum = (...more: string[]) => {
      const values = valuesFile(join(folder, 'anonymous.yaml'), namespace);
      const objects = objectsOf(succeeded(template(values, { namespace, more })));
      return the(objects, 'Deployment', 'service')['spec'].template.metadata.annotations['checksum/config'];
    };
    expect(checksum()).toBe(checksum('--set', 'service.replicaCount=3'));
    expect(checksum()).not.toBe(checksum('--set', 'config.git.url=https://other.example.org'));
  });

  it('adds git-proxy and the agent of the session tools to sessions of registered users, unless the values name other programs', () => {
    const { config } = configurationOf(rendered('verified.yaml'));
    const { containers, git_clone, git_proxy, git_rpc_server } = config.sessions;
    expect(containers).toEqual({
      anonymous: ['jupyter-server', 'passthrough-proxy'],
      registered: ['jupyter-server', 'oauth2-proxy', 'git-proxy', 'git-sidecar'],
    });
    const own = { image: expect.stringContaining('notebook-sessions/session-tools:'), program: 'notebook-sessions' };
    expect([git_clone, git_proxy, git_rpc_server]).toEqual([1, 2, 3].map(() => expect.objectContaining(own)));
    const others = configurationOf(rendered('trusted.yaml')).config.sessions;
    expect(others.git_proxy).toMatchObject({ image: 'renku/git-https-proxy:1.18.1', program: 'auto' });
    expect(others.git_rpc_server).toMatchObject({ image: 'renku/git-rpc-server:1.18.1', program: 'auto' });
  });

  it('adds the registry to the images of this project only', () => {
    const objects = rendered('private-registry.yaml');
    const { config } = configurationOf(objects);
    expect(the(objects, 'Deployment', 'service')['spec'].template.spec.containers[0].image).toMatch(
      /^registry\.example\.org\/platform\/notebook-sessions\/service@sha256:[0-9a-f]{64}$/,
    );
    expect(config.sessions.default_image).toBe('quay.io/jupyter/minimal-notebook:2026-01-01');
    expect(config.sessions.git_clone.image).toMatch(
      /^registry\.example\.org\/platform\/notebook-sessions\/session-tools:/,
    );
    expect(environmentOf(objects, 'operator')).toMatchObject({
      OAUTH2_PROXY_IMAGE: expect.stringMatching(/^quay\.io\/oauth2-proxy\/oauth2-proxy:v/),
    });
  });
});
