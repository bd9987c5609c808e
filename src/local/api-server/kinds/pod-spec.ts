import { type FieldError, fieldError } from '../field-errors.ts';
import { at, isObject, type JsonObject, setDefault } from '../json.ts';
import { labelKeyProblem, nameProblem } from './names.ts';
import { parseQuantity, respell, respellAll } from './quantity.ts';

const CONTAINER_LISTS = ['initContainers', 'containers'] as const;
const PROBES = ['livenessProbe', 'readinessProbe', 'startupProbe'];
/** What a container may ask for without a domain in the name. */
const STANDARD_RESOURCES = /^(cpu|memory|ephemeral-storage|hugepages-.+)$/;
const VALUE_SOURCES = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'];
/** Volume sources that name something: the member that does. */
const VOLUME_NAMES: { [source: string]: string } = {
  secret: 'secretName',
  configMap: 'name',
  persistentVolumeClaim: 'claimName',
};

/**
 * Fills in what depends on other fields, and respells quantities, in place: the rest of the defaults is in the shape.
 * Throws StatusError 400 where a quantity cannot be read.
 */
export function completePodSpec(spec: JsonObject): void {
  for (const volume of objects(spec['volumes'])) completeVolume(volume);
  for (const container of CONTAINER_LISTS.flatMap((list) => objects(spec[list]))) {
    const image = String(container['image'] ?? '');
    const tag = /(?::(?<tag>[^:/]+))?(?<digest>@.*)?$/.exec(image)?.groups;
    const isFixed = tag?.['digest'] !== undefined || (tag?.['tag'] !== undefined && tag['tag'] !== 'latest');
    setDefault(container, 'imagePullPolicy', isFixed ? 'IfNotPresent' : 'Always');
    for (const list of ['requests', 'limits']) respellAll(at(container, 'resources', list));
    for (const probe of PROBES.map((name) => container[name]).filter(isObject)) completeProbe(probe);
  }
}

function completeVolume(volume: JsonObject): void {
  const sources = sourcesOf(volume);
  if (sources.length === 0) volume['emptyDir'] = {};
  for (const source of ['secret', 'configMap', 'projected', 'downwardAPI']) {
    const content = volume[source];
    if (isObject(content)) setDefault(content, 'defaultMode', 0o644);
  }
  const emptyDir = volume['emptyDir'];
  if (isObject(emptyDir) && emptyDir['sizeLimit'] === null) delete emptyDir['sizeLimit'];
  respell(emptyDir, 'sizeLimit');
}

function completeProbe(probe: JsonObject): void {
  const http = probe['httpGet'];
  if (isObject(http)) {
    setDefault(http, 'path', '/');
    setDefault(http, 'scheme', 'HTTP');
  }
  for (const [name, value] of [
    ['timeoutSeconds', 1],
    ['periodSeconds', 10],
    ['successThreshold', 1],
    ['failureThreshold', 3],
  ] as const) {
    setDefault(probe, name, value);
  }
}

const sourcesOf = (volume: JsonObject): string[] =>
  Object.keys(volume).filter((member) => member !== 'name' && volume[member] !== null);

/** What is wrong with a pod's spec or a template's, with the paths that the API server reports. */
export function podSpecProblems(spec: JsonObject, path: string): FieldError[] {
  const problems: FieldError[] = [];
  if (objects(spec['containers']).length === 0) problems.push(fieldError.required(`${path}.containers`));
  const volumes = new Set<unknown>();
  for (const [index, volume] of objects(spec['volumes']).entries()) {
    problems.push(...volumeProblems(volume, `${path}.volumes[${index}]`, volumes));
  }
  const names = new Set<unknown>();
  for (const list of ['containers', 'initContainers']) {
    for (const [index, container] of objects(spec[list]).entries()) {
      problems.push(...containerProblems(container, `${path}.${list}[${index}]`, names, volumes));
    }
  }
  for (const [index, toleration] of objects(spec['tolerations']).entries()) {
    problems.push(...tolerationProblems(toleration, `${path}.tolerations[${index}].operator`));
  }
  for (const key of Object.keys(isObject(spec['nodeSelector']) ? spec['nodeSelector'] : {})) {
    const trouble = labelKeyProblem(key);
    if (trouble !== undefined) problems.push(fieldError.invalid(`${path}.nodeSelector`, key, trouble));
  }
  const policies = ['Always', 'OnFailure', 'Never'];
  if (!policies.includes(String(spec['restartPolicy']))) {
    problems.push(fieldError.notSupported(`${path}.restartPolicy`, spec['restartPolicy'], policies));
  }
  return problems;
}

function volumeProblems(volume: JsonObject, here: string, seen: Set<unknown>): FieldError[] {
  const problems = namedOnce(volume['name'], `${here}.name`, seen);
  const [source = '', ...others] = sourcesOf(volume);
  for (const other of others) {
    problems.push(fieldError.forbidden(`${here}.${other}`, 'may not specify more than 1 volume type'));
  }
  const name = VOLUME_NAMES[source];
  if (name !== undefined && !at(volume, source, name)) problems.push(fieldError.required(`${here}.${source}.${name}`));
  const sizeLimit = at(volume, 'emptyDir', 'sizeLimit');
  if ((parseQuantity(sizeLimit)?.nano ?? 0n) < 0n) {
    const why = 'SizeLimit field must be a valid resource quantity';
    problems.push(fieldError.forbidden(`${here}.emptyDir.sizeLimit`, why));
  }
  return problems;
}

function containerProblems(
  container: JsonObject,
  here: string,
  names: Set<unknown>,
  volumes: ReadonlySet<unknown>,
): FieldError[] {
  const problems = namedOnce(container['name'], `${here}.name`, names);
  if (!container['image']) problems.push(fieldError.required(`${here}.image`));
  const policy = container['imagePullPolicy'];
  const policies = ['Always', 'IfNotPresent', 'Never'];
  if (!policies.includes(String(policy))) {
    problems.push(fieldError.notSupported(`${here}.imagePullPolicy`, policy, policies));
  }
  problems.push(...portProblems(container, here), ...environmentProblems(container, here));
  const paths = new Set<unknown>();
  for (const [place, { name, mountPath }] of objects(container['volumeMounts']).entries()) {
    const mountAt = `${here}.volumeMounts[${place}]`;
    if (!volumes.has(name)) {
      const message = `Not found: ${JSON.stringify(name ?? '')}`;
      problems.push({ field: `${mountAt}.name`, reason: 'FieldValueNotFound', message });
    }
    if (!mountPath) problems.push(fieldError.required(`${mountAt}.mountPath`));
    else if (paths.has(mountPath))
      problems.push(fieldError.invalid(`${mountAt}.mountPath`, mountPath, 'must be unique'));
    paths.add(mountPath);
  }
  for (const probe of PROBES) {
    const handlers = ['httpGet', 'exec', 'tcpSocket', 'grpc'];
    const content = container[probe];
    if (isObject(content) && !handlers.some((handler) => isObject(content[handler]))) {
      problems.push(fieldError.required(`${here}.${probe}`, 'must specify a handler type'));
    }
  }
  return [...problems, ...resourceProblems(container['resources'], `${here}.resources`)];
}

function portProblems(container: JsonObject, here: string): FieldError[] {
  const problems: FieldError[] = [];
  const seen = new Set<unknown>();
  for (const [place, { name, containerPort }] of objects(container['ports']).entries()) {
    const portAt = `${here}.ports[${place}]`;
    if (!containerPort) problems.push(fieldError.required(`${portAt}.containerPort`));
    else if (!(Number(containerPort) >= 1 && Number(containerPort) <= 65_535)) {
      const why = 'must be between 1 and 65535, inclusive';
      problems.push(fieldError.invalid(`${portAt}.containerPort`, containerPort, why));
    }
    if (!name) continue;
    if (seen.has(name)) problems.push(fieldError.duplicate(`${portAt}.name`, name));
    seen.add(name);
  }
  return problems;
}

function environmentProblems(container: JsonObject, here: string): FieldError[] {
  const problems: FieldError[] = [];
  for (const [place, { name, value, valueFrom }] of objects(container['env']).entries()) {
    const envAt = `${here}.env[${place}]`;
    if (!name) problems.push(fieldError.required(`${envAt}.name`));
    else if (!/^[ -<>-~]+$/.test(String(name))) {
      const why = "a valid environment variable name must consist only of printable ASCII characters other than '='";
      problems.push(fieldError.invalid(`${envAt}.name`, name, why));
    }
    if (!isObject(valueFrom)) continue;
    const source = VALUE_SOURCES.find((candidate) => isObject(valueFrom[candidate]));
    if (value) {
      problems.push(fieldError.invalid(`${envAt}.valueFrom`, '', 'may not be specified when `value` is not empty'));
    } else if (source === undefined) {
      problems.push(fieldError.invalid(`${envAt}.valueFrom`, '', `must specify one of: ${VALUE_SOURCES.join(', ')}`));
    } else if (source.endsWith('KeyRef') && !at(valueFrom, source, 'key')) {
      problems.push(fieldError.required(`${envAt}.valueFrom.${source}.key`));
    }
  }
  return problems;
}

function resourceProblems(resources: unknown, here: string): FieldError[] {
  const problems: FieldError[] = [];
  const limits = at(resources, 'limits');
  for (const list of ['limits', 'requests']) {
    const amounts = at(resources, list);
    for (const [name, amount] of Object.entries(isObject(amounts) ? amounts : {})) {
      const field = `${here}.${list}[${name}]`;
      const nano = parseQuantity(amount)?.nano ?? 0n;
      const isStandard = STANDARD_RESOURCES.test(name);
      const trouble = labelKeyProblem(name);
      if (trouble !== undefined) problems.push(fieldError.invalid(field, name, trouble));
      else if (!isStandard && !name.includes('/')) {
        problems.push(fieldError.invalid(field, name, 'must be a standard resource type or fully qualified'));
      } else if (nano < 0n) {
        problems.push(fieldError.invalid(field, amount, 'must be greater than or equal to 0'));
      } else if (!isStandard && nano % 10n ** 9n !== 0n) {
        problems.push(fieldError.invalid(field, amount, 'must be an integer'));
      }
      if (list === 'limits' || trouble !== undefined) continue;
      const limit = at(limits, name);
      if (limit === undefined) {
        const why = 'Limit must be set for non overcommitable resources';
        if (!isStandard && name.includes('/')) problems.push(fieldError.required(`${here}.limits`, why));
      } else if (nano > (parseQuantity(limit)?.nano ?? 0n)) {
        const why = `must be less than or equal to ${name} limit of ${String(limit)}`;
        problems.push(fieldError.invalid(`${here}.requests`, amount, why));
      }
    }
  }
  return problems;
}

function tolerationProblems({ key, operator, value }: JsonObject, field: string): FieldError[] {
  const known = ['Equal', 'Exists'];
  if (operator && !known.includes(String(operator))) return [fieldError.notSupported(field, operator, known)];
  if (operator === 'Exists' && value) {
    return [fieldError.invalid(field, value, "value must be empty when `operator` is 'Exists'")];
  }
  if (!key && operator !== 'Exists') {
    const why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
    return [fieldError.invalid(field, operator, why)];
  }
  return [];
}

function namedOnce(name: unknown, field: string, seen: Set<unknown>): FieldError[] {
  if (typeof name !== 'string' || name === '') return [fieldError.required(field)];
  if (seen.has(name)) return [fieldError.duplicate(field, name)];
  seen.add(name);
  const trouble = nameProblem('label', name);
  return trouble === undefined ? [] : [fieldError.invalid(field, name, trouble)];
}

/** The objects in a list; nothing where it is none. */
export function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
