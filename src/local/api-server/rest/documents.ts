import type { Kinds } from '../kinds/kinds.ts';
import { Discovery, VERSION } from './discovery.ts';
import { openApiV2, openApiV3 } from './openapi.ts';

export interface Document {
  contentType: string;
  body: string | Buffer;
}

/** The documents at paths that are not resources: version, health, discovery, OpenAPI. */
export class Documents {
  readonly #kinds: Kinds;
  readonly #discovery: Discovery;

  constructor(kinds: Kinds) {
    this.#kinds = kinds;
    this.#discovery = new Discovery(kinds);
  }

  /** Returns undefined for an unknown path. */
  find(segments: readonly string[]): Document | undefined {
    const [root, second, ...rest] = segments;
    switch (root) {
      case 'version':
        return second === undefined ? json(VERSION) : undefined;
      case 'healthz':
      case 'readyz':
      case 'livez':
        return second === undefined ? { contentType: 'text/plain; charset=utf-8', body: 'ok' } : undefined;
      case 'openapi':
        if (second === 'v3') return json(openApiV3(this.#kinds.all, rest));
        if (second !== 'v2' || rest.length > 0) return undefined;
        return { contentType: 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf', body: openApiV2() };
      default:
        return json(this.#discovery.document(segments));
    }
  }
}

function json(document: object | undefined): Document | undefined {
  return document && { contentType: 'application/json', body: JSON.stringify(document) };
}
