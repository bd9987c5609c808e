import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { isObject } from '../lib/json.ts';

/** The members of a schema that this service reads. The validator reads all members. */
export interface Schema {
  $ref?: string;
  type?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  items?: Schema;
  /** Completes the message "must be ...". Easier to understand than a regular expression. */
  'x-expects'?: string;
  /** A number or boolean that is also accepted as a string. */
  'x-text-accepted'?: boolean;
  /** The pattern of the names in a map; OpenAPI 3.0 has no keyword for this rule. */
  'x-names'?: string;
  /** The message for a name that does not match. */
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
  /** The response may have no body, so any Accept header is accepted. */
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

/** The content of openapi.yaml after the first read. The content is never changed. */
let source: OpenApiDocument | undefined;

/**
 * Returns openapi.yaml with the prefix that the service runs under. The first server is the service itself. Reads the file
 * once.
 */
export function loadDocument(prefix: string): OpenApiDocument {
  const document = readDocument();
  const servers = document.servers.map(({ url, ...server }) => ({
    ...server,
    url: url.slice(0, -writtenPrefix.length) + prefix || '/',
  }));
  return { ...document, servers };
}

function readDocument(): OpenApiDocument {
  source ??= parse(readFileSync(join(import.meta.dirname, '../../openapi.yaml'), 'utf8'));
  if (!source) throw new Error('openapi.yaml is empty');
  return source;
}

/**
 * Returns a loaded document in the form that clients of the original service expect: the prefix is part of the paths, and
 * the servers are the gateway's addresses and, after them, this service itself.
 */
export function publishedDocument(document: OpenApiDocument): OpenApiDocument {
  const [own, ...gateway] = document.servers;
  const prefix = own && own.url !== '/' ? own.url : '';
  const withoutPrefix = (url: string): string => url.slice(0, url.length - prefix.length) || '/';
  return {
    ...document,
    servers: [...gateway, ...(own ? [own] : [])].map((server) => ({ ...server, url: withoutPrefix(server.url) })),
    // A path with separate servers (/health) is outside of the prefix.
    paths: Object.fromEntries(
      Object.entries(document.paths).map(([path, item]) => [item.servers ? path : prefix + path, item]),
    ),
  };
}

/** Returns the value that a `$ref` of this document names; a value without `$ref` is returned unchanged. */
export function resolve<T extends { $ref?: string }>(document: OpenApiDocument, value: T): T {
  if (value.$ref === undefined) return value;
  let found: unknown = document;
  for (const name of value.$ref.split('/').slice(1)) found = isObject(found) ? found[name] : undefined;
  if (found === undefined) throw new Error(`openapi.yaml has nothing at ${value.$ref}`);
  return resolve(document, found as T);
}
