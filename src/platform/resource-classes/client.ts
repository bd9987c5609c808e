import type { Logger } from 'pino';
import type { Deadline } from '../../lib/deadline.ts';
import { parseJson } from '../../lib/json.ts';
import { readRetryAfter } from '../../lib/retry-after.ts';
import { createSingleFlightCache } from '../../lib/single-flight-cache.ts';
import { createCallerKey } from '../caller-key.ts';
import { OutboundFailure, type OutboundHttp, type OutboundResponse } from '../outbound-http/types.ts';
import { readPools } from './pools.ts';
import {
  type ResourceClasses,
  ResourceClassesUnauthorized,
  ResourceClassesUnavailable,
  type ResourcePool,
} from './types.ts';

export interface ResourceClassesOptions {
  /** Base address without a trailing slash; `/resource_pools` is below it. Its host must be exempt in `http`. */
  readonly url: string;
  readonly http: OutboundHttp;
  readonly log: Logger;
  /** Milliseconds for which a response is cached, 10 s by default. A withdrawn quota or permission takes effect after it. */
  readonly ttlMs?: number;
  /** Milliseconds for one request, 5 s by default. */
  readonly timeoutMs?: number;
}

/** 200 classes have about 60 kB. */
const maxBytes = 2 * 1024 * 1024;
const maxCallers = 1_000;

/**
 * Returns a client of the platform's resource class service. Responses are cached for each access token, because every
 * caller may use other classes. The cache has keyed digests of the tokens only.
 */
export function createResourceClasses(options: ResourceClassesOptions): ResourceClasses {
  const { url, http, log, ttlMs = 10_000, timeoutMs = 5_000 } = options;
  const cache = createSingleFlightCache<readonly ResourcePool[]>({ ttlMs, maxSize: maxCallers });
  const keyOf = createCallerKey();

  async function load(accessToken: string | null, deadline: Deadline): Promise<readonly ResourcePool[]> {
    // Other characters cannot be sent in a header.
    if (accessToken !== null && !/^[\x21-\x7e]+$/.test(accessToken)) {
      throw new ResourceClassesUnauthorized('the access token has invalid characters', true);
    }
    const startedAt = performance.now();
    const response = await send(accessToken, deadline);
    log.debug(
      { status: response.status, ms: Math.round(performance.now() - startedAt) },
      'the resource class service responded',
    );
    return interpret(response, accessToken !== null);
  }

  async function send(accessToken: string | null, deadline: Deadline): Promise<OutboundResponse> {
    const authorization = accessToken === null ? {} : { authorization: `bearer ${accessToken}` };
    try {
      return await http.request(`${url}/resource_pools`, {
        target: 'resource-classes',
        headers: { accept: 'application/json', ...authorization },
        deadline,
        maxBytes,
      });
    } catch (cause) {
      if (cause instanceof OutboundFailure) {
        const what = cause.reason === 'unreachable' ? 'cannot be reached' : 'did not give a usable response';
        throw new ResourceClassesUnavailable(what, { cause });
      }
      throw cause;
    }
  }

  function interpret({ status, headers, body }: OutboundResponse, hasToken: boolean): readonly ResourcePool[] {
    if (status === 401 || status === 403)
      throw new ResourceClassesUnauthorized(`the resource class service answered ${status}`, hasToken);
    if (status !== 200) {
      const retryAfterSeconds = readRetryAfter(headers['retry-after']);
      const what = status === 429 ? 'accepts no more requests for now' : `answered with status ${status}`;
      throw new ResourceClassesUnavailable(what, { retryAfterSeconds });
    }
    const skipped: string[] = [];
    const pools = readPools(parseJson(body.toString('utf8')), (what) => skipped.push(what));
    if (!pools) throw new ResourceClassesUnavailable('did not send a list of resource pools');
    if (skipped.length > 0) log.warn({ skipped }, 'left out incomplete entries of the resource class service');
    return pools;
  }

  return {
    pools: (accessToken, deadline) =>
      cache.get(keyOf(accessToken), {
        deadline,
        // An empty list is a configuration error, which may be corrected at any moment.
        isUsable: (pools) => pools.length > 0,
        load: (shared) => load(accessToken, shared.within(timeoutMs)),
      }),
  };
}
