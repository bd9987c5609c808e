import { isIP } from 'node:net';
import { resource } from '../../../platform/kubernetes/resources.ts';
import { type FieldError, fieldError } from '../field-errors.ts';
import { at, ensureObject, isObject, type JsonObject, setDefault } from '../json.ts';
import type { Kind } from './kind.ts';
import { nameProblem, subdomainProblem } from './names.ts';
import { objects } from './pod-spec.ts';
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

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const PORT_NAME = /^(?=.{1,15}$)(?=.*[a-z])[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

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
  returnsDeleted: true,
  nameRule: 'label1035',
  selectableFields: ['spec.type', 'spec.clusterIP'],
  admit(service) {
    const isHeadless = at(service, 'spec', 'clusterIP') === 'None';
    takeShape(service, serviceShape);
    const spec = ensureObject(service, 'spec');
    const problems: FieldError[] = [];
    if (!TYPES.includes(String(spec['type'] ?? 'ClusterIP'))) {
      problems.push(fieldError.notSupported('spec.type', spec['type'], TYPES));
    }
    const ports = objects(spec['ports']);
    const names = new Set<unknown>();
    if (ports.length === 0 && !isHeadless) problems.push(fieldError.required('spec.ports'));
    for (const [index, entry] of ports.entries()) {
      setDefault(entry, 'targetPort', entry['port']);
      if (!isPort(entry['port'])) {
        problems.push(fieldError.invalid(`spec.ports[${index}].port`, entry['port'] ?? 0, PORT_RANGE));
      }
      if (ports.length > 1 && !entry['name']) problems.push(fieldError.required(`spec.ports[${index}].name`));
      if (entry['name'] && names.has(entry['name']))
        problems.push(fieldError.duplicate(`spec.ports[${index}].name`, entry['name']));
      names.add(entry['name']);
      if (!PROTOCOLS.includes(String(entry['protocol']))) {
        problems.push(fieldError.notSupported(`spec.ports[${index}].protocol`, entry['protocol'], PROTOCOLS));
      }
      const target = entry['targetPort'];
      if (typeof target === 'string' && !PORT_NAME.test(target)) {
        const why = 'must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)';
        problems.push(fieldError.invalid(`spec.ports[${index}].targetPort`, target, why));
      }
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
  returnsDeleted: false,
  nameRule: 'subdomain',
  selectableFields: [],
  admit(ingress) {
    takeShape(ingress, ingressShape);
    const spec = ensureObject(ingress, 'spec');
    const rules = objects(spec['rules']);
    if (rules.length === 0 && spec['defaultBackend'] === undefined) {
      return [fieldError.invalid('spec', spec, 'either `defaultBackend` or `rules` must be specified')];
    }
    return [
      ...rules.flatMap((rule, index) => ruleProblems(rule, `spec.rules[${index}]`)),
      ...objects(spec['tls']).flatMap((tls, index) => tlsProblems(tls, `spec.tls[${index}]`)),
    ];
  },
};

function ruleProblems(rule: JsonObject, here: string): FieldError[] {
  const problems: FieldError[] = [];
  const host = rule['host'];
  if (typeof host === 'string' && host !== '') {
    // A cluster refuses a port in a host. Here it is part of the address, because sessions share the platform's port.
    const name = host.replace(/:\d{1,5}$/, '').replace(/^\*\./, '');
    const trouble = subdomainProblem(name);
    if (isIP(name) !== 0)
      problems.push(fieldError.invalid(`${here}.host`, host, 'must be a DNS name, not an IP address'));
    else if (trouble !== undefined) problems.push(fieldError.invalid(`${here}.host`, host, trouble));
  }
  if (isObject(rule['http']) && objects(rule['http']['paths']).length === 0) {
    problems.push(fieldError.required(`${here}.http.paths`));
  }
  for (const [index, entry] of objects(at(rule, 'http', 'paths')).entries()) {
    const path = `${here}.http.paths[${index}]`;
    const { pathType, path: value } = entry;
    if (pathType === undefined) problems.push(fieldError.required(`${path}.pathType`, 'pathType must be specified'));
    else if (!['Exact', 'Prefix', 'ImplementationSpecific'].includes(String(pathType))) {
      problems.push(
        fieldError.notSupported(`${path}.pathType`, pathType, ['Exact', 'ImplementationSpecific', 'Prefix']),
      );
    }
    if (pathType !== 'ImplementationSpecific' && !String(value ?? '').startsWith('/')) {
      problems.push(fieldError.invalid(`${path}.path`, value ?? '', 'must be an absolute path'));
    } else if (pathType !== 'ImplementationSpecific') {
      const part = UNCLEAR_PARTS.find((each) => `${String(value)}${each.endsWith('/') ? '' : '/'}`.includes(each));
      if (part !== undefined) problems.push(fieldError.invalid(`${path}.path`, value, `must not contain '${part}'`));
    }
    problems.push(...backendProblems(entry['backend'], `${path}.backend`));
  }
  return problems;
}

/** Parts of a path that proxies read in different ways. */
const UNCLEAR_PARTS = ['//', '/./', '/../', '%2f', '%2F'];

function tlsProblems({ hosts, secretName }: JsonObject, here: string): FieldError[] {
  const problems: FieldError[] = [];
  for (const [index, host] of (Array.isArray(hosts) ? hosts : []).entries()) {
    const trouble = subdomainProblem(
      String(host)
        .replace(/:\d{1,5}$/, '')
        .replace(/^\*\./, ''),
    );
    if (trouble !== undefined) problems.push(fieldError.invalid(`${here}.hosts[${index}]`, host, trouble));
  }
  const trouble = secretName ? subdomainProblem(String(secretName)) : undefined;
  if (trouble !== undefined) problems.push(fieldError.invalid(`${here}.secretName`, secretName, trouble));
  return problems;
}

function backendProblems(backend: unknown, here: string): FieldError[] {
  const service = at(backend, 'service');
  if (!isObject(service)) {
    if (at(backend, 'resource') !== undefined) return [];
    return [fieldError.required(here, 'cannot set resource and service backends at the same time')];
  }
  const problems: FieldError[] = [];
  const name = String(service['name'] ?? '');
  const trouble = nameProblem('label1035', name);
  if (name === '') problems.push(fieldError.required(`${here}.service.name`));
  else if (trouble !== undefined) problems.push(fieldError.invalid(`${here}.service.name`, name, trouble));
  const number = at(service, 'port', 'number');
  const isNamed = Boolean(at(service, 'port', 'name'));
  if (isNamed && number) problems.push(fieldError.invalid(here, '', 'cannot set both port name & port number'));
  else if (!isNamed && !number) problems.push(fieldError.required(here, 'port name or number is required'));
  else if (!isNamed && !isPort(number)) {
    problems.push(fieldError.invalid(`${here}.service.port.number`, number, PORT_RANGE));
  }
  return problems;
}

const PORT_RANGE = 'must be between 1 and 65535, inclusive';

function isPort(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65_535;
}
