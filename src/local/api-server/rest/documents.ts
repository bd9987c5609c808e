import type { Kinds } from '../kinds/kinds.ts';
import { Discovery, VERSION } from './discovery.ts';
import { acceptsAggregatedDiscovery } from './negotiation.ts';
import { OPENAPI_V2, OPENAPI_V2_PROTOBUF_TYPES, OpenApi, openApiV2Protobuf } from './openapi.ts';

export interface Document {
  contentType: string;
  body: string | Buffer;
}

const AGGREGATED_TYPE = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** What is at paths that are not resources: version, health, discovery, OpenAPI. */
export class Documents {
  readonly #discovery: Discovery;
  readonly #openApi: OpenApi;

  constructor(kinds: Kinds) {
    this.#discovery = new Discovery(kinds);
    this.#openApi = new OpenApi(kinds);
  }

  /** undefined: there is no such path. */
  find(segments: readonly string[], accept: string | undefined): Document | undefined {
    const [root, second, ...rest] = segments;
    switch (root) {
      case 'version':
        return second === undefined ? json(VERSION) : undefined;
      case 'healthz':
      case 'readyz':
      case 'livez':
        return second === undefined ? { contentType: 'text/plain; charset=utf-8', body: 'ok' } : undefined;
      case 'openapi':
        return this.#openApiDocument(second, rest, accept);
      default:
        return this.#discoveryDocument(segments, accept);
    }
  }

  #openApiDocument(version: string | undefined, rest: string[], accept: string | undefined): Document | undefined {
    if (version === 'v3') return json(this.#openApi.v3(rest));
    if (version !== 'v2' || rest.length > 0) return undefined;
    if (OPENAPI_V2_PROTOBUF_TYPES.some((type) => accept?.includes(type))) {
      return { contentType: OPENAPI_V2_PROTOBUF_TYPES[0], body: openApiV2Protobuf() };
    }
    return json(OPENAPI_V2);
  }

  #discoveryDocument(segments: readonly string[], accept: string | undefined): Document | undefined {
    const aggregated = segments.length === 1 && acceptsAggregatedDiscovery(accept);
    return json(this.#discovery.document(segments, aggregated), aggregated ? AGGREGATED_TYPE : undefined);
  }
}

function json(document: object | undefined, contentType = 'application/json'): Document | undefined {
  return document && { contentType, body: JSON.stringify(document) };
}
