import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { jupyterServers } from '../../../jupyter-server/resource.ts';
import { at } from '../json.ts';
import type { Kind } from './kind.ts';
import { applyDefaults, parseSchema, prune, type Schema, validate } from './schema.ts';

/** A column of `kubectl get`, as a CRD declares it. */
export interface PrinterColumn {
  name: string;
  type: string;
  description?: string;
  jsonPath: string;
  priority?: number;
}

export interface JupyterServerDefinition {
  kind: Kind;
  schema: Schema;
  columns: PrinterColumn[];
}

/** The kind, from the same CRD document that is applied to a real cluster. */
export function jupyterServerDefinition(): JupyterServerDefinition {
  const crd: unknown = parse(readFileSync(new URL('../../../jupyter-server/crd.yaml', import.meta.url), 'utf8'));
  const versions = at(crd, 'spec', 'versions');
  const version: unknown = Array.isArray(versions) ? versions[0] : undefined;
  const schema = parseSchema(at(version, 'schema', 'openAPIV3Schema'));
  const columns = at(version, 'additionalPrinterColumns') as PrinterColumn[];
  const root: Schema = {
    ...schema,
    // Every object has these; a CRD does not list them.
    properties: { ...schema.properties, apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: PRESERVED },
  };
  const kind: Kind = {
    resource: jupyterServers,
    kind: 'JupyterServer',
    singular: 'jupyterserver',
    shortNames: ['js'],
    categories: [],
    namespaced: true,
    statusSubresource: false,
    generation: true,
    unconditionalUpdate: false,
    selfDescribing: true,
    returnsDeleted: false,
    nameRule: 'subdomain',
    selectableFields: [],
    admit(object, _old, unknownFields) {
      prune(object, root, unknownFields);
      applyDefaults(object, schema);
      return validate(object, schema, '');
    },
  };
  return { kind, schema, columns };
}

const PRESERVED: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
