import { resource } from '../../../platform/kubernetes/resources.ts';
import { type FieldProblem, problem } from '../failures.ts';
import { at, isObject, type JsonObject, setDefault } from '../json.ts';
import type { Kind } from './kind.ts';
import { nameProblem, subdomainProblem } from './names.ts';
import { integer, intOrText, list, record, takeShape, text, textMap, withDefault } from './shape.ts';

const serviceShape = record({
  spec: record({
    type: withDefault(text, 'ClusterIP'),
    // One machine has no virtual addresses: every Service is headless.
    clusterIP: withDefault(text, 'None'),
    selector: textMap,
    sessionAffinity: withDefault(text, 'None'),
    ports: list(record({ name: text, port: integer, targetPort: intOrText, protocol: withDefault(text, 'TCP') })),
  }),
  status: withDefault(record({ loadBalancer: withDefault(record({}), {}) }), {}),
});

const ingressShape = record({
  spec: record({
    ingressClassName: text,
    defaultBackend: record({}),
    tls: list(record({ hosts: list(text), secretName: text })),
    rules: list(
      record({
        host: text,
        http: record({
          paths: list(
            record({
              path: text,
              pathType: text,
              backend: record({ service: record({ name: text, port: record({ name: text, number: integer }) }) }),
            }),
          ),
        }),
      }),
    ),
  }),
  status: withDefault(record({ loadBalancer: withDefault(record({}), {}) }), {}),
});

export const serviceKind: Kind = {
  resource: resource.services,
  kind: 'Service',
  singular: 'service',
  shortNames: ['svc'],
  categories: ['all'],
  namespaced: true,
  statusSubresource: true,
  generation: false,
  unconditionalUpdate: true,
  selfDescribing: false,
  nameRule: 'label1035',
  selectableFields: ['spec.type', 'spec.clusterIP'],
  admit(service) {
    const isHeadless = at(service, 'spec', 'clusterIP') === 'None';
    takeShape(service, serviceShape);
    const { spec } = service;
    if (!isObject(spec)) return [problem.required('spec')];
    const problems: FieldProblem[] = [];
    const ports = objects(spec['ports']);
    if (ports.length === 0 && !isHeadless) problems.push(problem.required('spec.ports'));
    for (const [index, entry] of ports.entries()) {
      setDefault(entry, 'targetPort', entry['port']);
      if (!isPort(entry['port'])) {
        problems.push(problem.invalid(`spec.ports[${index}].port`, entry['port'] ?? 0, PORT_RANGE));
      }
      if (ports.length > 1 && !entry['name']) problems.push(problem.required(`spec.ports[${index}].name`));
    }
    return problems;
  },
};

export const ingressKind: Kind = {
  resource: resource.ingresses,
  kind: 'Ingress',
  singular: 'ingress',
  shortNames: ['ing'],
  categories: [],
  namespaced: true,
  statusSubresource: true,
  generation: true,
  unconditionalUpdate: true,
  selfDescribing: false,
  nameRule: 'subdomain',
  selectableFields: [],
  admit(ingress) {
    takeShape(ingress, ingressShape);
    const { spec } = ingress;
    if (!isObject(spec)) return [problem.required('spec')];
    const rules = objects(spec['rules']);
    if (rules.length === 0 && spec['defaultBackend'] === undefined) {
      return [problem.invalid('spec', spec, 'either `defaultBackend` or `rules` must be specified')];
    }
    return rules.flatMap((rule, index) => ruleProblems(rule, `spec.rules[${index}]`));
  },
};

function ruleProblems(rule: JsonObject, here: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const host = rule['host'];
  if (typeof host === 'string' && host !== '') {
    // A cluster refuses a port in a host. Here it is part of the address, because sessions share the platform's port.
    const name = host.replace(/:\d{1,5}$/, '').replace(/^\*\./, '');
    const trouble = subdomainProblem(name);
    if (trouble !== undefined) problems.push(problem.invalid(`${here}.host`, host, trouble));
  }
  for (const [index, entry] of objects(at(rule, 'http', 'paths')).entries()) {
    const path = `${here}.http.paths[${index}]`;
    const { pathType, path: value } = entry;
    if (pathType === undefined) problems.push(problem.required(`${path}.pathType`, 'pathType must be specified'));
    else if (!['Exact', 'Prefix', 'ImplementationSpecific'].includes(String(pathType))) {
      problems.push(problem.notSupported(`${path}.pathType`, pathType, ['Exact', 'ImplementationSpecific', 'Prefix']));
    }
    if (pathType !== 'ImplementationSpecific' && !String(value ?? '').startsWith('/')) {
      problems.push(problem.invalid(`${path}.path`, value ?? '', 'must be an absolute path'));
    }
    problems.push(...backendProblems(entry['backend'], `${path}.backend`));
  }
  return problems;
}

function backendProblems(backend: unknown, here: string): FieldProblem[] {
  const service = at(backend, 'service');
  if (!isObject(service)) {
    if (at(backend, 'resource') !== undefined) return [];
    return [problem.required(here, 'cannot set resource and service backends at the same time')];
  }
  const problems: FieldProblem[] = [];
  const name = String(service['name'] ?? '');
  const trouble = name === '' ? 'name is required' : nameProblem('label1035', name);
  if (trouble !== undefined) problems.push(problem.invalid(`${here}.service.name`, name, trouble));
  const number = at(service, 'port', 'number');
  if (at(service, 'port', 'name') === undefined && !isPort(number)) {
    problems.push(problem.invalid(`${here}.service.port.number`, number ?? 0, PORT_RANGE));
  }
  return problems;
}

const PORT_RANGE = 'must be between 1 and 65535, inclusive';

function isPort(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65_535;
}

function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
