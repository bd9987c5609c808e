import { apiVersionOf, type Kind } from '../kinds/kind.ts';
import type { Kinds } from '../kinds/kinds.ts';
import { VERSION } from './discovery.ts';

const info = { title: 'Kubernetes', version: VERSION.gitVersion };

/**
 * As much OpenAPI as kubectl needs: that writes take `fieldValidation` (so that it leaves validation to the server)
 * and, for `kubectl explain js`, the schema of a JupyterServer. Built-in kinds have no schema here.
 */
export class OpenApi {
  readonly #kinds: Kinds;

  constructor(kinds: Kinds) {
    this.#kinds = kinds;
  }

  /** The index at /openapi/v3 or one group's document below it; undefined where there is none. */
  v3(segments: readonly string[]): object | undefined {
    const byRoot = Map.groupBy(this.#kinds.all, rootOf);
    if (segments.length === 0) {
      const paths = [...byRoot.keys()].map((root) => [root, { serverRelativeURL: `/openapi/v3/${root}` }] as const);
      return { paths: Object.fromEntries(paths) };
    }
    const members = byRoot.get(segments.join('/'));
    return members && this.#document(members);
  }

  #document(kinds: readonly Kind[]): object {
    const paths = Object.fromEntries(kinds.map((kind) => [pathOf(kind), pathItem(kind)]));
    const schemas = Object.fromEntries(kinds.map((kind) => [schemaName(kind), this.#schema(kind)]));
    return { openapi: '3.0.0', info, paths, components: { schemas } };
  }

  #schema(kind: Kind): object {
    const { jupyterServers } = this.#kinds;
    const text = { type: 'string' };
    const own = kind === jupyterServers.kind ? jupyterServers.schema.properties : {};
    return {
      type: 'object',
      properties: { apiVersion: text, kind: text, metadata: { type: 'object' }, ...own },
      ...(kind === jupyterServers.kind ? {} : { 'x-kubernetes-preserve-unknown-fields': true }),
      'x-kubernetes-group-version-kind': [groupVersionKind(kind)],
    };
  }
}

/** An OpenAPI v2 document without definitions: older kubectl then validates nothing by itself. */
export const OPENAPI_V2 = { swagger: '2.0', info, paths: {}, definitions: {} };

/** How clients ask for protobuf; the older spelling, with an `@`, is not a media type that Go can read in an answer. */
export const OPENAPI_V2_PROTOBUF_TYPES = [
  'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
  'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
] as const;

/** The same as the protobuf that kubectl before 1.27 insists on: fields 1 `swagger` and 2 `info` {1 title, 2 version}. */
export function openApiV2Protobuf(): Buffer {
  const field = (number: number, content: Buffer): Buffer => {
    // Wire type 2, length in one byte: everything here is shorter than 128 bytes.
    return Buffer.concat([Buffer.from([(number << 3) | 2, content.length]), content]);
  };
  const infoMessage = Buffer.concat([field(1, Buffer.from(info.title)), field(2, Buffer.from(info.version))]);
  return Buffer.concat([field(1, Buffer.from(OPENAPI_V2.swagger)), field(2, infoMessage)]);
}

function pathItem(kind: Kind): object {
  const query = (name: string) => ({ name, in: 'query', schema: { type: 'string' } });
  const parameters = [query('dryRun'), query('fieldManager'), query('fieldValidation')];
  const reference = { $ref: `#/components/schemas/${schemaName(kind)}` };
  const responses = { 200: { description: 'OK', content: { 'application/json': { schema: reference } } } };
  const type = { 'x-kubernetes-group-version-kind': groupVersionKind(kind) };
  const parameter = (name: string) => ({ name, in: 'path', required: true, schema: { type: 'string' } });
  return {
    parameters: [parameter('name'), ...(kind.namespaced ? [parameter('namespace')] : [])],
    get: { responses, 'x-kubernetes-action': 'get', ...type },
    put: { parameters, responses, 'x-kubernetes-action': 'put', ...type },
    patch: { parameters, responses, 'x-kubernetes-action': 'patch', ...type },
  };
}

function groupVersionKind(kind: Kind): object {
  const { group, version } = kind.resource;
  return { group, version, kind: kind.kind };
}

function rootOf(kind: Kind): string {
  return kind.resource.group === '' ? `api/${kind.resource.version}` : `apis/${apiVersionOf(kind)}`;
}

function pathOf(kind: Kind): string {
  return `/${rootOf(kind)}${kind.namespaced ? '/namespaces/{namespace}' : ''}/${kind.resource.plural}/{name}`;
}

function schemaName(kind: Kind): string {
  const group = kind.resource.group === '' ? 'core' : kind.resource.group;
  return `${group.split('.').toReversed().join('.')}.${kind.resource.version}.${kind.kind}`;
}
