import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** The part of a schema that this service looks at itself; the validator looks at all of it. */
export interface Schema {
  $ref?: string;
  type?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  items?: Schema;
  /** Completes "must be ..." better than a regular expression would. */
  'x-expects'?: string;
  /** A number or boolean that is also accepted as text. */
  'x-text-accepted'?: boolean;
  /** What the names of a map must match; OpenAPI 3.0 has no word for it. */
  'x-names'?: string;
  'x-names-expect'?: string;
}

export interface Parameter {
  $ref?: string;
  name: string;
  in: 'path' | 'query' | 'header' | 'cookie';
  schema?: Schema;
}

type Content = Record<string, { schema?: Schema }>;

export interface OperationObject {
  operationId: string;
  parameters?: Parameter[];
  security?: object[];
  requestBody?: { content: Content };
  /** Answers without a body to who does not ask for one: any Accept will do. */
  'x-body-optional'?: boolean;
  responses: Record<string, { $ref?: string; content?: Content }>;
}

export const methods = ['get', 'post', 'put', 'patch', 'delete'] as const;
export type Method = (typeof methods)[number];

export type PathItem = { parameters?: Parameter[]; servers?: object[] } & { [M in Method]?: OperationObject };

export interface OpenApiDocument {
  openapi: string;
  servers: { url: string; description?: string }[];
  paths: Record<string, PathItem>;
  components: { schemas: Record<string, Schema> } & Record<string, Record<string, unknown>>;
}

/** The prefix that openapi.yaml is written for. */
const writtenPrefix = '/notebooks';

/** openapi.yaml as it was read first. Nothing writes into it. */
let source: OpenApiDocument | undefined;

/** Returns openapi.yaml with the prefix that the service runs under; its own server is the first. Reads the file once. */
export function loadDocument(prefix: string): OpenApiDocument {
  source ??= parse(readFileSync(join(import.meta.dirname, '../../openapi.yaml'), 'utf8')) as OpenApiDocument;
  const document = source;
  const servers = document.servers.map(({ url, ...server }) => ({
    ...server,
    url: url.slice(0, -writtenPrefix.length) + prefix || '/',
  }));
  return { ...document, servers };
}

/**
 * A loaded document as clients of the original know it: the prefix is part of the paths, and the servers are the
 * gateway's addresses and, after them, this service itself.
 */
export function publishedDocument(document: OpenApiDocument): OpenApiDocument {
  const [own, ...gateway] = document.servers;
  const prefix = own && own.url !== '/' ? own.url : '';
  const withoutPrefix = (url: string): string => url.slice(0, url.length - prefix.length) || '/';
  return {
    ...document,
    servers: [...gateway, ...(own ? [own] : [])].map((server) => ({ ...server, url: withoutPrefix(server.url) })),
    // A path with servers of its own (/health) is outside of the prefix.
    paths: Object.fromEntries(
      Object.entries(document.paths).map(([path, item]) => [item.servers ? path : prefix + path, item]),
    ),
  };
}

/** What a `$ref` of this document points to; anything else as it is. */
export function resolve<T extends { $ref?: string }>(document: OpenApiDocument, value: T): T {
  if (value.$ref === undefined) return value;
  let found: unknown = document;
  for (const name of value.$ref.split('/').slice(1)) found = (found as Record<string, unknown> | undefined)?.[name];
  if (found === undefined) throw new Error(`openapi.yaml has nothing at ${value.$ref}`);
  return resolve(document, found as T);
}
