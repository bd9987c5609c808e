import type { JsonObject } from '../../../lib/json.ts';
import { resource } from '../../../platform/kubernetes/resources.ts';
import { type FieldError, fieldError } from '../field-errors.ts';
import { at, objectsIn, setDefault } from '../json.ts';
import { builtIn } from './built-in.ts';
import type { Kind } from './kind.ts';
import { subdomainError } from './names.ts';
import { applyShape, integer, list, record, section, text, textMap, withDefault } from './shape.ts';

const status = section({ loadBalancer: section({}) });

const serviceShape = record({
  spec: section({
    type: withDefault(text, 'ClusterIP'),
    // The local platform has no virtual addresses: every Service is headless.
    clusterIP: withDefault(text, 'None'),
    selector: textMap,
    sessionAffinity: withDefault(text, 'None'),
    ports: list(record({ name: text, port: integer, protocol: withDefault(text, 'TCP') }, ['port'])),
  }),
  status,
});

const backend = record({
  service: record({ name: text, port: record({ name: text, number: integer }) }, ['name', 'port']),
});
const path = record({ path: text, pathType: text, backend }, ['pathType', 'backend']);
const ingressShape = record({
  spec: section({
    ingressClassName: text,
    tls: list(record({ hosts: list(text), secretName: text })),
    rules: list(record({ host: text, http: record({ paths: list(path) }, ['paths']) })),
  }),
  status,
});

export const serviceKind: Kind = {
  ...builtIn,
  resource: resource.services,
  kind: 'Service',
  singular: 'service',
  shortNames: ['svc'],
  categories: ['all'],
  statusSubresource: true,
  returnsDeleted: true,
  nameRule: 'label1035',
  selectableFields: ['spec.type', 'spec.clusterIP'],
  admit(service) {
    const isHeadless = at(service, 'spec', 'clusterIP') === 'None';
    const errors = applyShape(service, serviceShape);
    const ports = objectsIn(at(service, 'spec', 'ports'));
    if (ports.length === 0 && !isHeadless) errors.push(fieldError.required('spec.ports'));
    for (const port of ports) setDefault(port, 'targetPort', port['port']);
    return errors;
  },
};

export const ingressKind: Kind = {
  ...builtIn,
  resource: resource.ingresses,
  kind: 'Ingress',
  singular: 'ingress',
  shortNames: ['ing'],
  statusSubresource: true,
  generation: true,
  admit(ingress) {
    const errors = applyShape(ingress, ingressShape);
    const spec = at(ingress, 'spec');
    const rules = objectsIn(at(spec, 'rules'));
    if (rules.length === 0 && at(spec, 'defaultBackend') === undefined) {
      errors.push(fieldError.invalid('spec', spec, 'either `defaultBackend` or `rules` must be specified'));
    }
    return [...errors, ...rules.flatMap((rule, index) => hostErrors(rule, `spec.rules[${index}].host`))];
  },
};

/** A cluster rejects a host with a port. Here the port is accepted, because sessions share the port of the platform. */
function hostErrors({ host }: JsonObject, field: string): FieldError[] {
  if (typeof host !== 'string' || host === '') return [];
  const why = subdomainError(host.replace(/:\d{1,5}$/, '').replace(/^\*\./, ''));
  return why === undefined ? [] : [fieldError.invalid(field, host, why)];
}
