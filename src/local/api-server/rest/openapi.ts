import { apiVersionOf, type Kind } from '../kinds/kind.ts';
import { VERSION } from './discovery.ts';

const info = { title: 'Kubernetes', version: VERSION.gitVersion };

/**
 * Returns the OpenAPI v3 index (no `segments`) or the document of one group version; undefined if there is none. The
 * documents say only that writes accept `fieldValidation`: kubectl 1.27 and newer then leaves validation to the server.
 */
export function openApiV3(kinds: readonly Kind[], segments: readonly string[]): object | undefined {
  const byRoot = Map.groupBy(kinds, rootOf);
  if (segments.length === 0) {
    const paths = [...byRoot.keys()].map((root) => [root, { serverRelativeURL: `/openapi/v3/${root}` }] as const);
    return { paths: Object.fromEntries(paths) };
  }
  const root = segments.join('/');
  const paths = byRoot.get(root)?.map((kind) => [`/${root}/${kind.resource.plural}/{name}`, pathItem(kind)]);
  return paths && { openapi: '3.0.0', info, paths: Object.fromEntries(paths) };
}

function pathItem({ kind, resource: { group, version } }: Kind): object {
  const parameters = [{ name: 'fieldValidation', in: 'query', schema: { type: 'string' } }];
  return { patch: { parameters, responses: {}, 'x-kubernetes-group-version-kind': { group, version, kind } } };
}

function rootOf(kind: Kind): string {
  return `${kind.resource.group === '' ? 'api' : 'apis'}/${apiVersionOf(kind)}`;
}

/**
 * Returns an OpenAPI v2 document without schemas, as protobuf: field 1 is `swagger`, field 2 is `info` {1 title,
 * 2 version}. kubectl before 1.27 needs a document, and does not validate kinds that have no schema.
 */
export function openApiV2(): Buffer {
  // Wire type 2: a length in one byte, since each field is shorter than 128 bytes.
  const field = (number: number, content: Buffer): Buffer =>
    Buffer.concat([Buffer.from([(number << 3) | 2, content.length]), content]);
  const title = field(1, Buffer.from(info.title));
  return Buffer.concat([
    field(1, Buffer.from('2.0')),
    field(2, Buffer.concat([title, field(2, Buffer.from(info.version))])),
  ]);
}
