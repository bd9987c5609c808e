import {
  methods,
  type OpenApiDocument,
  type OperationObject,
  type Parameter,
  resolve,
  type Schema,
} from './document.ts';

export interface Operation {
  readonly id: string;
  /** Whether somebody must be known to be calling. */
  readonly needsIdentity: boolean;
  /** Content types of a success; empty where it need not have a body. */
  readonly produces: readonly string[];
  readonly query: readonly Parameter[];
  readonly path: readonly Parameter[];
  /** undefined: takes no body. */
  readonly body: Schema | undefined;
}

export interface Resource {
  /** By method in upper case, HEAD and OPTIONS left out. */
  readonly operations: ReadonlyMap<string, Operation>;
  /** For the Allow header. */
  readonly allow: string;
}

/** Which operation a request is for, by its path below the prefix. undefined: the document knows no such path. */
export type FindResource = (path: string) => Resource | undefined;

/**
 * The document's paths as a table. It comes before everything that costs (identity, bodies, validation), and it is why a
 * path in another case, with a slash at its end or with a part too many reaches no route: routes are only asked for
 * what the table knows.
 */
export function createOperationTable(document: OpenApiDocument): FindResource {
  const fixed = new Map<string, Resource>();
  const patterns: { pattern: RegExp; resource: Resource }[] = [];
  for (const [path, item] of Object.entries(document.paths)) {
    // A path with servers of its own (/health) is outside of the prefix.
    if (item.servers) continue;
    const operations = new Map<string, Operation>();
    for (const method of methods) {
      const operation = item[method];
      if (operation) operations.set(method.toUpperCase(), describe(document, operation, item.parameters ?? []));
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
    .join('[^/]+');
  return new RegExp(`^${source}$`);
}

function describe(document: OpenApiDocument, operation: OperationObject, shared: readonly Parameter[]): Operation {
  const parameters = [...shared, ...(operation.parameters ?? [])].map((parameter) => resolve(document, parameter));
  const produces = Object.entries(operation.responses)
    .filter(([status]) => status.startsWith('2'))
    .flatMap(([, response]) => Object.keys(resolve(document, response).content ?? {}));
  const body = operation.requestBody?.content['application/json']?.schema;
  return {
    id: operation.operationId,
    needsIdentity: operation.security === undefined || operation.security.length > 0,
    produces: operation['x-body-optional'] ? [] : [...new Set(produces)],
    query: parameters.filter((parameter) => parameter.in === 'query'),
    path: parameters.filter((parameter) => parameter.in === 'path'),
    body: body && resolve(document, body),
  };
}
