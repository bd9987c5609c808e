/**
 * Writes the generated files of the Helm chart: values.schema.json (from values.yaml, the rules below and the keys of the
 * service's configuration), files/service-keys.json, the copy of the CRD, the versions in
 * Chart.yaml, and the table docs/values-1.18.1.md. With --check,
 * writes nothing and fails if a file is out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMap, isScalar, type Pair, parseDocument, type YAMLMap } from 'yaml';
import { rows } from '../helm-chart/migrate/table.ts';
import packageJson from '../package.json' with { type: 'json' };
import { keyNames } from '../src/config/describe.ts';
import { configKeys, sessionDefaults, uiChoices } from '../src/config/keys.ts';
import { join as joinKey, type Reader, type ValueSchema } from '../src/config/readers.ts';

const root = join(import.meta.dirname, '..');
const chart = join(root, 'helm-chart/notebook-sessions');

/** A JSON schema of draft 7. */
type JsonSchema = Readonly<Record<string, unknown>>;

/** Keys of the configuration that the chart sets from other values, and keys that name files of the service's machine. */
const keysOfTheChart = [
  'k8s.renku_namespace',
  'k8s.sessions_namespace',
  'metrics.enabled',
  'metrics.port',
  'server_options.defaults_path',
  'server_options.ui_choices_path',
  'sessions.ca_certs.image',
  'sessions.default_image',
  'sessions.git_clone.image',
  'sessions.git_clone.program',
];
const detailed: Readonly<Record<string, Reader<unknown>>> = {
  'server_options.defaults': sessionDefaults,
  'server_options.ui_choices': uiChoices,
};

const readers = [...flatten(configKeys, '')];
const secretKeys = readers.filter(([, { isSecret }]) => isSecret).map(([key]) => key);

function* flatten(reader: Reader<unknown>, key: string): Generator<[string, Reader<unknown>]> {
  if (!reader.shape) return yield [key, reader];
  for (const [name, inner] of Object.entries(reader.shape)) yield* flatten(inner, joinKey(key, name));
}

/** Returns the schema of a group of the configuration, without the keys that the chart sets. */
function configSchema(reader: Reader<unknown>, key: string): JsonSchema {
  const { shape } = detailed[key] ?? reader;
  if (!shape) return valueSchema(reader.schema);
  const properties = Object.entries(shape)
    .map(([name, inner]) => [name, joinKey(key, name), inner] as const)
    .filter(([, full, inner]) =>
      (inner.shape ? keyNames(inner, full) : [full]).some((each) => !keysOfTheChart.includes(each)),
    )
    .map(([name, full, inner]) => [name, configSchema(inner, full)] as const);
  return { type: ['object', 'null'], additionalProperties: false, properties: Object.fromEntries(properties) };
}

/** null counts as not set. Patterns are checked by the chart's templates, which explain them in a sentence. */
function valueSchema({
  type,
  enum: words,
  minimum,
  maximum,
  items,
  properties,
  additionalProperties,
}: ValueSchema): JsonSchema {
  return {
    ...(type ? { type: [type, 'null'] } : {}),
    ...(words ? { enum: [...words, null] } : {}),
    ...(minimum === undefined ? {} : { minimum }),
    ...(maximum === undefined ? {} : { maximum }),
    ...(items ? { items: valueSchema(items) } : {}),
    ...(properties ? { properties: mapValues(properties, valueSchema) } : {}),
    ...(additionalProperties === undefined
      ? {}
      : {
          additionalProperties:
            typeof additionalProperties === 'boolean' ? additionalProperties : valueSchema(additionalProperties),
        }),
  };
}

function mapValues<T, U>(map: Readonly<Record<string, T>>, convert: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, convert(value)]));
}

/** The patterns of keys and of the items of lists, for the templates. */
const patterns = readers.flatMap(([key, { schema }]) => {
  const { pattern, expected } = schema.items ?? schema;
  return pattern && expected && !secretKeys.includes(key) && !keysOfTheChart.includes(key)
    ? [{ key, pattern, expected }]
    : [];
});

const object: JsonSchema = { type: 'object' };
const listOf = (items: JsonSchema): JsonSchema => ({ type: 'array', items });
const port: JsonSchema = { type: 'integer', minimum: 1, maximum: 65_535 };
const count: JsonSchema = { type: 'integer', minimum: 1 };
const seconds: JsonSchema = { type: 'integer', minimum: 0 };
const text: JsonSchema = { type: 'string', minLength: 1 };
const network: JsonSchema = { type: 'string', pattern: '^[0-9.]+/[0-9]{1,2}$' };
const name: JsonSchema = { type: 'string', pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$' };
const nameOrEmpty: JsonSchema = { type: 'string', pattern: '^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$' };
/** A name of a Service, which has no dots. */
const labelOrEmpty: JsonSchema = { type: 'string', pattern: '^([a-z]([-a-z0-9]*[a-z0-9])?)?$' };
const host: JsonSchema = { type: 'string', pattern: '^(\\*\\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$' };
const closed = (properties: Record<string, JsonSchema>, required: readonly string[]): JsonSchema => ({
  type: 'object',
  additionalProperties: false,
  properties,
  required,
});
const caSecrets = listOf(closed({ secret: name }, ['secret']));
const globals: JsonSchema = {
  type: 'object',
  properties: {
    useHTTPS: { type: 'boolean' },
    renku: { type: 'object', properties: { domain: { type: 'string' } } },
    gitlab: { type: 'object', properties: { urlPrefix: { type: 'string' } } },
    keycloak: { type: 'object', properties: { realm: { type: 'string' } } },
    anonymousSessions: { type: 'object', properties: { enabled: { type: 'boolean' } } },
    certificates: { type: 'object', properties: { customCAs: caSecrets } },
    gateway: { type: 'object', properties: { clientSecret: { type: ['string', 'null'] } } },
    crc: { type: 'object', properties: { serviceName: { type: 'string' } } },
  },
};

/** Schemas of values whose default does not show the type. A name that begins with a dot is a key of any group. */
const rules: Readonly<Record<string, JsonSchema>> = {
  global: globals,
  config: configSchema(configKeys, ''),
  existingSecrets: listOf(closed({ config: { enum: secretKeys }, name, key: text }, ['config', 'name', 'key'])),
  customCAs: caSecrets,
  nameOverride: labelOrEmpty,
  fullnameOverride: labelOrEmpty,
  podSecurityContext: object,
  securityContext: object,
  'images.pullPolicy': { enum: ['Always', 'IfNotPresent', 'Never'] },
  'images.pullSecrets': listOf(closed({ name }, ['name'])),
  '.digest': { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' },
  '.logLevel': { enum: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] },
  'service.type': { enum: ['ClusterIP', 'NodePort', 'LoadBalancer'] },
  'sessions.namespace': nameOrEmpty,
  'ingress.className': nameOrEmpty,
  'ingress.tlsSecret': nameOrEmpty,
  'httpRoute.parentRefs': listOf({ type: 'object', required: ['name'] }),
  'httpRoute.hostnames': listOf(host),
  'networkPolicies.apiServerPorts': listOf(port),
  'networkPolicies.dnsPorts': listOf(port),
  'networkPolicies.sessionsBlocked': listOf(network),
  '.targetCPUUtilizationPercentage': { type: 'integer', minimum: 1, maximum: 100 },
  '.port': port,
  '.replicaCount': count,
  '.minReplicas': count,
  '.maxReplicas': count,
  '.minAvailable': count,
  '.intervalSeconds': count,
  '.checkIntervalSeconds': count,
  '.idleCpuMillicores': count,
  '.warningSeconds': count,
  '.preStopSeconds': count,
  '.terminationGracePeriodSeconds': seconds,
  '.unschedulableGraceSeconds': seconds,
  '.init': seconds,
  '.regular': seconds,
  '.resources': object,
  '.annotations': { type: 'object', additionalProperties: { type: 'string' } },
  '.podAnnotations': { type: 'object', additionalProperties: { type: 'string' } },
  '.podLabels': { type: 'object', additionalProperties: { type: 'string' } },
  '.labels': { type: 'object', additionalProperties: { type: 'string' } },
  '.nodeSelector': { type: 'object', additionalProperties: { type: 'string' } },
  '.affinity': object,
  '.tolerations': listOf(object),
  '.topologySpreadConstraints': listOf(object),
  '.extraEnv': listOf({ type: 'object', required: ['name'] }),
  'networkPolicies.serviceFrom': listOf(object),
  'networkPolicies.metricsFrom': listOf(object),
  'networkPolicies.sessionsFrom': listOf(object),
  'networkPolicies.dnsPeers': listOf(object),
  'networkPolicies.sessionsExtraEgress': listOf(object),
  priorityClasses: listOf(
    closed(
      {
        name,
        value: { type: 'integer', maximum: 1_000_000_000 },
        description: { type: 'string' },
        preemptionPolicy: { enum: ['Never', 'PreemptLowerPriority'] },
      },
      ['name', 'value'],
    ),
  ),
  resourceQuotas: listOf(
    closed({ name, priorityClass: name, hard: { type: 'object', minProperties: 1 } }, ['name', 'hard']),
  ),
};

/** Returns the schema of a group of values.yaml, with its comments as descriptions. Every key is required: null removes it. */
function groupSchema(group: YAMLMap, path: string): JsonSchema {
  const entries = group.items.map(({ key, value }: Pair) => {
    if (!isScalar(key) || typeof key.value !== 'string')
      throw new Error(`values.yaml: a key of ${path} is not a string`);
    const full = joinKey(path, key.value);
    const rule = rules[full] ?? rules[`.${key.value}`];
    const comment = key.commentBefore ?? (group.items[0]?.key === key ? group.commentBefore : undefined);
    const paragraph = comment?.split(/\n\s*\n|^ ---.*$/m).at(-1);
    const description = paragraph?.replaceAll(/\s*\n\s*/g, ' ').trim();
    const schema = rule ?? inferredSchema(value, full);
    return [key.value, description ? { description, ...schema } : schema] as const;
  });
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(entries),
    required: entries.map(([key]) => key),
  };
}

function inferredSchema(value: unknown, path: string): JsonSchema {
  if (isMap(value) && value.items.length > 0) return groupSchema(value, path);
  const scalar: unknown = isScalar(value) ? value.value : undefined;
  if (typeof scalar === 'string' || typeof scalar === 'boolean') return { type: typeof scalar };
  throw new Error(
    `values.yaml: ${path} needs a rule in scripts/generate-chart.ts, because its default does not show its type`,
  );
}

const values = parseDocument(readFileSync(join(chart, 'values.yaml'), 'utf8')).contents;
if (!isMap(values)) throw new Error('values.yaml is not a map');
const schema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  $comment: 'Generated by `npm run generate`. Do not edit.',
  title: 'Values of the chart notebook-sessions',
  ...groupSchema(values, ''),
};
const crd = readFileSync(join(root, 'src/jupyter-server/crd.yaml'), 'utf8');
const chartFile = readFileSync(join(chart, 'Chart.yaml'), 'utf8')
  .replace(/^version: .*$/m, `version: ${packageJson.version}`)
  .replace(/^appVersion: .*$/m, `appVersion: "${packageJson.version}"`);

const code = (key: string): string => `\`${key}\``;
const counterparts = `<!-- Generated from helm-chart/migrate/table.ts by \`npm run generate\`. Do not edit. -->

# Values of renku-notebooks 1.18.1

\`helm-chart/migrate-values\` converts a values file of the chart of renku-notebooks 1.18.1 (and 1.19) by this table; see
[deploy.md](deploy.md#replace-renku-notebooks). \`.*\` stands for all other keys of a group.

| renku-notebooks 1.18.1 | Here |
|---|---|
${rows.map(({ from, to, note }) => `| ${code(from)} | ${[to ? code(to) : 'none', ...(note ? [note] : [])].join(': ')} |`).join('\n')}
`;

const files: Readonly<Record<string, string>> = {
  '../../docs/values-1.18.1.md': counterparts,
  'values.schema.json': `${JSON.stringify(schema, null, 1)}\n`,
  'files/service-keys.json': `${JSON.stringify({ secrets: secretKeys, patterns }, null, 1)}\n`,
  'files/jupyterserver-crd.yaml': `# Generated from src/jupyter-server/crd.yaml by \`npm run generate\`. Do not edit.\n${crd}`,
  'Chart.yaml': chartFile,
};
for (const [file, content] of Object.entries(files)) {
  const path = join(chart, file);
  if (!process.argv.includes('--check')) {
    writeFileSync(path, content);
  } else if (readFileSync(path, 'utf8') !== content) {
    process.stderr.write(`${path.slice(root.length + 1)} is out of date; run: npm run generate\n`);
    process.exitCode = 1;
  }
}
