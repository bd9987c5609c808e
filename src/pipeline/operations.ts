import type { Response } from 'express';
import {
  type Method,
  methods,
  type OpenApiDocument,
  type OperationObject,
  type Parameter,
  resolve,
  type Schema,
} from './document.ts';

export interface Operation {
  readonly id: string;
  /** As in the document, such as `GET /servers/{server_name}`. */
  readonly route: string;
  /** The caller must be identified. */
  readonly needsIdentity: boolean;
  /** Content types of successful responses; empty if the response may have no body. */
  readonly produces: readonly string[];
  readonly query: readonly Parameter[];
  readonly path: readonly Parameter[];
  /** Returns the values of the path parameters, decoded, of a path of this operation: below the prefix, and valid percent-encoded UTF-8. */
  readonly valuesIn: (path: string) => Record<string, string>;
  /** undefined: the operation has no body. */
  readonly body: Schema | undefined;
}

export interface Resource {
  /** Operations by method in upper case, without HEAD and OPTIONS. */
  readonly operations: ReadonlyMap<string, Operation>;
  /** The value of the Allow header. */
  readonly allow: string;
}

/** Returns the resource at a path below the prefix; undefined if the document has no such path. */
export type FindResource = (path: string) => Resource | undefined;

/**
 * Returns a lookup of the document's paths. The lookup runs before identity, body and validation, so that an unknown path
 * takes little time. Paths that differ in case, by a slash at the end or by another segment are not found, although Express
 * would match some of them.
 */
export function createOperationTable(document: OpenApiDocument): FindResource {
  const fixed = new Map<string, Resource>();
  const patterns: { pattern: RegExp; resource: Resource }[] = [];
  for (const [path, item] of Object.entries(document.paths)) {
    // A path with separate servers (/health) is outside of the prefix.
    if (item.servers) continue;
    const operations = new Map<string, Operation>();
    for (const method of methods) {
      const operation = item[method];
      if (operation)
        operations.set(
          method.toUpperCase(),
          describe(document, routeName(method, path), operation, item.parameters ?? [], valuesOf(path)),
        );
    }
    const names = [...operations.keys()].flatMap((name) => (name === 'GET' ? ['GET', 'HEAD'] : [name]));
    const resource: Resource = { operations, allow: [...names, 'OPTIONS'].join(', ') };
    if (path.includes('{')) patterns.push({ pattern: patternOf(path), resource });
    else fixed.set(path, resource);
  }
  return (path) => fixed.get(path) ?? patterns.find(({ pattern }) => pattern.test(path))?.resource;
}

function patternOf(path: string): RegExp {
  const source = path
    .split(/\{[^}]+\}/)
    .map((text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('([^/]+)');
  return new RegExp(`^${source}$`);
}

function valuesOf(template: string): Operation['valuesIn'] {
  const names = Array.from(template.matchAll(/\{([^}]+)\}/g), ([, name = '']) => name);
  if (names.length === 0) return () => ({});
  const pattern = patternOf(template);
  return (path) => {
    const found = pattern.exec(path) ?? [];
    return Object.fromEntries(names.map((name, index) => [name, decodeURIComponent(found[index + 1] ?? '')]));
  };
}

function describe(
  document: OpenApiDocument,
  route: string,
  operation: OperationObject,
  shared: readonly Parameter[],
  valuesIn: Operation['valuesIn'],
): Operation {
  const parameters = [...shared, ...(operation.parameters ?? [])].map((parameter) => resolve(document, parameter));
  const produces = Object.entries(operation.responses)
    .filter(([status]) => status.startsWith('2'))
    .flatMap(([, response]) => Object.keys(resolve(document, response).content ?? {}));
  const body = operation.requestBody?.content['application/json']?.schema;
  return {
    id: operation.operationId,
    route,
    needsIdentity: operation.security === undefined || operation.security.length > 0,
    produces: operation['x-body-optional'] ? [] : [...new Set(produces)],
    query: parameters.filter((parameter) => parameter.in === 'query'),
    path: parameters.filter((parameter) => parameter.in === 'path'),
    valuesIn,
    body: body && resolve(document, body),
  };
}

/** Returns the name of an operation in metrics. */
export const routeName = (method: Method, path: string): string => `${method.toUpperCase()} ${path}`;

/** Stores the operation of the request. */
export function setOperation(res: Response, operation: Operation): void {
  res.locals['operation'] = operation;
}

/** Returns the operation of the request; undefined if `setOperation` has not run. */
export function knownOperationOf(res: Response): Operation | undefined {
  const operation: Operation | undefined = res.locals['operation'];
  return operation;
}

/** Returns the operation of the request. Throws an Error if `setOperation` has not run. */
export function operationOf(res: Response): Operation {
  const operation = knownOperationOf(res);
  if (!operation) throw new Error('the request has no operation yet');
  return operation;
}
