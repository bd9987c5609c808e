import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { isObject } from '../../../src/lib/json.ts';
import { chart, environmentOf, objectsOf, succeeded, template } from '../../support/helm.ts';

/** Values with which every part of the chart is rendered, and nothing is random. */
const base = parse(`
config:
  git: {url: https://gitlab.example.org, registry: registry.example.org}
  anonymous_sessions_enabled: true
  identity: {cookie_secret: a-secret-of-the-tests-with-32-bytes}
  sessions: {ingress: {host: sessions.example.org}, termination_warning_duration_seconds: 86400}
ingress: {enabled: true, host: api.example.org}
httpRoute: {enabled: true, parentRefs: [{name: public}]}
metrics: {serviceMonitor: {enabled: true}, prometheusRule: {enabled: true}}
networkPolicies: {metricsFrom: [{podSelector: {}}]}
sessions: {namespace: sessions}
operator: {schedulerName: packing, serviceAccount: {name: runner}}
service: {serviceAccount: {name: api}, podDisruptionBudget: {minAvailable: 1}, replicaCount: 4}
`);

/** Other valid values where a change of the default is not valid. */
const changes: Readonly<Record<string, unknown>> = {
  customCAs: [{ secret: 'ca' }],
  existingSecrets: [{ config: 'sessions.oidc.client_secret', name: 'one', key: 'two' }],
  priorityClasses: [{ name: 'one', value: 1 }],
  resourceQuotas: [{ name: 'one', hard: { pods: '1' } }],
  'images.pullSecrets': [{ name: 'one' }],
  'images.pullPolicy': 'Always',
  'service.type': 'NodePort',
  'service.logLevel': 'debug',
  'operator.logLevel': 'debug',
  'operator.podDisruptionBudget.minAvailable': undefined,
  'httpRoute.parentRefs': [{ name: 'other' }],
  'httpRoute.hostnames': ['api.example.org'],
  'networkPolicies.apiServerPorts': [443],
  'networkPolicies.dnsPorts': [5353],
  'networkPolicies.dnsPeers': [{ podSelector: {} }],
  'networkPolicies.sessionsBlocked': ['10.0.0.0/8'],
  'metrics.serviceMonitor.interval': '1m',
};
/** Values that only Helm itself or an umbrella chart uses; values.test.ts tests the latter. */
const others = ['enabled', 'global', 'config'];

function* leavesOf(group: Readonly<Record<string, unknown>>, path = ''): Generator<[string, unknown]> {
  for (const [name, value] of Object.entries(group)) {
    const full = path === '' ? name : `${path}.${name}`;
    if (others.includes(full)) continue;
    if (isObject(value) && Object.keys(value).length > 0) yield* leavesOf(value, full);
    else yield [full, value];
  }
}

function changed(path: string, value: unknown): unknown {
  if (Object.hasOwn(changes, path)) return changes[path];
  if (path.endsWith('.digest')) return `sha256:${'0'.repeat(64)}`;
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'string') return 'changed';
  if (Array.isArray(value)) return [...value, { name: 'changed' }];
  return { changed: 'changed' };
}

function withValue(path: string, value: unknown): string {
  const copy = structuredClone(base);
  let group = copy;
  const names = path.split('.');
  for (const name of names.slice(0, -1)) {
    group[name] ??= {};
    group = group[name];
  }
  group[names.at(-1) ?? ''] = value;
  if (path.startsWith('service.autoscaling.')) copy.service.autoscaling.enabled = true;
  return stringify(copy);
}

it('every value of the chart changes what is rendered', () => {
  const defaults = parse(readFileSync(join(chart, 'values.yaml'), 'utf8'));
  const usual = succeeded(template(stringify(base)));
  const scaled = succeeded(template(withValue('service.autoscaling.enabled', true)));
  const leaves = [...leavesOf(defaults)].filter(([path]) => changed(path, null) !== undefined);
  expect(leaves.length).toBeGreaterThan(90);
  const unused = leaves.filter(([path, value]) => {
    const isScaling = path.startsWith('service.autoscaling.') && !path.endsWith('.enabled');
    const own = path.split('.').reduce<unknown>((group, name) => (isObject(group) ? group[name] : undefined), base);
    const output = succeeded(template(withValue(path, changed(path, own ?? value))));
    return output === (isScaling ? scaled : usual);
  });
  expect(unused.map(([path]) => path)).toEqual([]);
});

it('every alert uses metrics that exist, and is in the document', () => {
  const rules = objectsOf(succeeded(template(stringify(base)))).find(({ kind }) => kind === 'PrometheusRule');
  const text = stringify(rules);
  const [metrics, deploy] = ['metrics', 'deploy'].map((name) =>
    readFileSync(join(chart, `../../docs/${name}.md`), 'utf8'),
  );
  const used = [...text.matchAll(/notebook_sessions_\w+/g)].map(([name]) => name);
  const alerts = [...text.matchAll(/alert: (\w+)/g)].map(([, name = '']) => name);
  expect(used.filter((name) => !metrics?.includes(`\`${name}\``))).toEqual([]);
  expect(alerts).toContain('NotebookSessionsUnsavedWork');
  expect(alerts.filter((name) => !deploy?.includes(`| ${name} |`))).toEqual([]);
});

it('every setting of the operator is a value of the chart, except those that a pod never needs', () => {
  const source = readFileSync(join(chart, '../../src/operator/settings.ts'), 'utf8');
  const names = [...source.matchAll(/env\['([A-Z_]+)'\]|\(env, '([A-Z_]+)'/g)].map(([, one, two]) => one ?? two ?? '');
  const environment = environmentOf(objectsOf(succeeded(template(stringify(base)))), 'operator');
  const missing = [...new Set(names)].filter((name) => !(name in environment) && !name.startsWith('NB_AMALTHEA__'));
  expect(missing.sort()).toEqual(['CLUSTER_WIDE', 'HOSTNAME']);
});
