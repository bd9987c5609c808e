import { badRequest } from '../failures.ts';

/** A path of the API. `name` and `subresource` are absent for collections. */
export interface ResourcePath {
  type: 'resource';
  group: string;
  version: string;
  /** Empty: all namespaces, or a kind without namespaces. */
  namespace: string;
  plural: string;
  name?: string;
  subresource?: string;
}

/** A path that is not a resource: discovery, health, version. Segments are decoded. */
export interface OtherPath {
  type: 'other';
  segments: string[];
}

/** Parses the path of a request, without the query. Throws StatusError 400 for invalid percent-encoding. */
export function parsePath(path: string): ResourcePath | OtherPath {
  const segments = path.split('/').slice(1).map(decode);
  if (segments.at(-1) === '') segments.pop();
  const [root, ...rest] = segments;
  if (root === 'api' && rest.length > 1) return resourcePath('', rest) ?? { type: 'other', segments };
  if (root === 'apis' && rest.length > 2) {
    return resourcePath(rest[0] ?? '', rest.slice(1)) ?? { type: 'other', segments };
  }
  return { type: 'other', segments };
}

function resourcePath(group: string, [version = '', ...rest]: string[]): ResourcePath | undefined {
  if (rest.includes('')) return undefined;
  const [first = '', second, third, ...more] = rest;
  const isNamespaceItself = third === undefined || third === 'status';
  const inNamespace = first === 'namespaces' && second !== undefined && !isNamespaceItself;
  const [plural = '', name, subresource, ...excess] = inNamespace ? [third, ...more] : rest;
  if (excess.length > 0) return undefined;
  return {
    type: 'resource',
    group,
    version,
    namespace: inNamespace ? second : '',
    plural,
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
  };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (error) {
    throw badRequest(
      `the path has invalid percent-encoding: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
