import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { jupyterServers } from '../../../jupyter-server/resource.ts';
import { at, objectsIn } from '../json.ts';
import { builtIn } from './built-in.ts';
import type { Kind } from './kind.ts';
import { applyDefaults, parseSchema, prune, type Schema, validate } from './schema.ts';
import { text } from './shape.ts';

/** A column of `kubectl get`, as the CRD declares it. */
interface PrinterColumn {
  name: string;
  type: string;
  description: string;
  jsonPath: string;
}

export interface JupyterServerDefinition {
  kind: Kind;
  columns: PrinterColumn[];
}

/** Returns the kind JupyterServer, from the CRD that is applied to real clusters. */
export function jupyterServerDefinition(): JupyterServerDefinition {
  const crd: unknown = parse(readFileSync(new URL('../../../jupyter-server/crd.yaml', import.meta.url), 'utf8'));
  const [version] = objectsIn(at(crd, 'spec', 'versions'));
  const schema = parseSchema(at(version, 'schema', 'openAPIV3Schema'));
  const columns = objectsIn(version?.['additionalPrinterColumns']).map(({ name, type, description, jsonPath }) => ({
    name: String(name),
    type: String(type),
    description: String(description),
    jsonPath: String(jsonPath),
  }));
  // A CRD does not list these fields, which every object has.
  const common = { apiVersion: text, kind: text, metadata: { 'x-kubernetes-preserve-unknown-fields': true } as const };
  const root: Schema = { ...schema, properties: { ...schema.properties, ...common } };
  const kind: Kind = {
    ...builtIn,
    resource: jupyterServers,
    kind: 'JupyterServer',
    singular: 'jupyterserver',
    shortNames: ['js'],
    generation: true,
    unconditionalUpdate: false,
    selfDescribing: true,
    admit(object, _old, unknownFields) {
      prune(object, root, unknownFields);
      applyDefaults(object, schema);
      return validate(object, schema, '');
    },
  };
  return { kind, columns };
}
