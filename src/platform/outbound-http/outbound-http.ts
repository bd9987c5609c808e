import { AsyncLocalStorage } from 'node:async_hooks';
import { isIP } from 'node:net';
import { pipeline, type Readable, type Transform } from 'node:stream';
import { getCACertificates } from 'node:tls';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { Agent, buildConnector, type Dispatcher, errors, request as undiciRequest } from 'undici';
import { type AddressRanges, createAddressRanges } from '../../lib/address-ranges.ts';
import { createConcurrencyLimit } from '../../lib/concurrency-limit.ts';
import { endOf, orAborted } from '../../lib/deadline.ts';
import { mayConnect } from './addresses.ts';
import { limitLookups, lookupThat, type Resolve, systemAddresses } from './lookup.ts';
import {
  AddressRefused,
  OutboundFailure,
  type OutboundHttp,
  type OutboundRequest,
  type OutboundResponse,
} from './types.ts';

export interface OutboundHttpOptions {
  /** CIDRs of private networks that may be reached all the same. */
  allowedNetworks: readonly string[];
  /**
   * host or host:port (without a port: its scheme's own) that the operator has configured: no address check, and plain
   * http is fine.
   */
  exemptHosts: readonly string[];
  /** PEM of a platform's own CA, besides the system's. */
  ca?: string;
  /** How names are resolved; the system's way where absent. */
  lookup?: Resolve;
}

const connectTimeoutMs = 10_000;
/**
 * Lookups of host names that are not configured, at the same time. Each holds one of the four threads that this program
 * has for names and files, for as long as the name server of that host likes. One thread stays free, and one owner holds
 * one thread at the most, so that slow names of one caller do not keep those of others waiting.
 */
const lookupLimit = { total: 3, perOwner: 1, waitMs: connectTimeoutMs };
const redirectStatuses = new Set([301, 302, 303, 307, 308]);
const ownHeaders = new Set(['host', 'connection', 'accept-encoding', 'content-length', 'transfer-encoding']);
const credentialHeaders = new Set(['authorization', 'cookie']);

/**
 * HTTPS to the public internet and HTTP(S) to configured hosts. The address check happens where the connection is
 * made, on every address that the name resolves to then, and the connection goes to one of those: a name that
 * resolves differently the next time gains nothing. Throws TypeError for an invalid range in `allowedNetworks`.
 */
export function createOutboundHttp(options: OutboundHttpOptions): OutboundHttp {
  const allowed = createAddressRanges(options.allowedNetworks);
  const exempt = new Set(options.exemptHosts.map((host) => host.toLowerCase()));
  /** The owner of the request in whose course a connection is made: connectors are not told. */
  const owner = new AsyncLocalStorage<string>();
  // Two pools: a connection that was made without the check must never serve a request that needs it.
  const checked = agent(checkedConnector(allowed, options, () => owner.getStore() ?? ''));
  const resolve = options.lookup ?? systemAddresses;
  const unchecked = agent(buildConnector({ ...connectOptions(options), lookup: lookupThat(() => true, resolve) }));

  const isExempt = (url: URL) => {
    const port = url.port || (url.protocol === 'https:' ? '443' : '80');
    return exempt.has(`${url.hostname}:${port}`) || (url.port === '' && exempt.has(url.hostname));
  };

  async function send(url: URL, trusted: boolean, request: OutboundRequest): Promise<OutboundResponse> {
    const exempted = trusted && isExempt(url);
    checkUrl(url, exempted);
    const { deadline } = request;
    const body = request.body ?? null;
    try {
      const ask = (): Promise<Dispatcher.ResponseData> =>
        undiciRequest(url, {
          dispatcher: exempted ? unchecked : checked,
          method: request.method ?? 'GET',
          headers: { ...without(request.headers ?? {}, ownHeaders), 'accept-encoding': 'identity' },
          body,
          signal: deadline.signal,
        });
      const asked = owner.run(request.owner ?? '', ask);
      // undici looks at the signal only once it is connected; a name or a server that hangs would outlast the deadline.
      const response = await orAborted(asked, deadline.signal);
      const headers = plainHeaders(response.headers);
      return { status: response.statusCode, headers, body: await read(response, headers, url, request), url };
    } catch (error) {
      throw explained(error, url, request);
    }
  }

  async function request(to: string | URL, request: OutboundRequest): Promise<OutboundResponse> {
    const start = parseUrl(to);
    const { redirects: limit = 0 } = request;
    let url = start;
    let current = request;
    for (let followed = 0; ; followed += 1) {
      const response = await send(url, request.untrusted !== true && url.origin === start.origin, current);
      const location = redirectStatuses.has(response.status) ? response.headers['location'] : undefined;
      if (location === undefined || limit === 0) return response;
      if (followed >= limit) throw new OutboundFailure('redirect-refused', `${start.host} redirects without end`);
      const next = parseUrl(location, url);
      if (next.origin !== start.origin) {
        // Once gone, they do not come back, wherever the way leads.
        current = { ...current, headers: without(current.headers ?? {}, credentialHeaders) };
      }
      current = afterRedirect(response.status, current);
      url = next;
    }
  }

  return {
    request,
    close: async () => {
      await Promise.all([checked.destroy(), unchecked.destroy()]);
    },
  };
}

function agent(connect: buildConnector.connector): Agent {
  return new Agent({
    connect,
    // To one host. More than the calls of all anonymous users together, and of some others: each may be a slow one.
    connections: 128,
    // What ends a request is its deadline; these only keep an abandoned one from staying for ever.
    headersTimeout: 120_000,
    bodyTimeout: 120_000,
    maxHeaderSize: 16 * 1024,
  });
}

function connectOptions({ ca }: OutboundHttpOptions): buildConnector.BuildOptions {
  return {
    timeout: connectTimeoutMs,
    allowH2: false,
    ...(ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] }),
  };
}

function checkedConnector(
  allowed: AddressRanges,
  options: OutboundHttpOptions,
  currentOwner: () => string,
): buildConnector.connector {
  const check = (address: string) => mayConnect(address, allowed);
  const limit = createConcurrencyLimit(lookupLimit);
  const resolve = limitLookups(limit, currentOwner, options.lookup ?? systemAddresses);
  const connect = buildConnector({ ...connectOptions(options), lookup: lookupThat(check, resolve) });
  return (target, callback) => {
    const host = target.hostname.replace(/^\[|\]$/g, '');
    // Literal addresses are never looked up.
    if (isIP(host) !== 0 && !check(host)) callback(new AddressRefused(host), null);
    else connect(target, callback);
  };
}

function parseUrl(text: string | URL, base?: URL): URL {
  try {
    return new URL(text, base);
  } catch (cause) {
    throw new OutboundFailure('invalid-url', 'an address is not a URL', { cause });
  }
}

function checkUrl(url: URL, exempted: boolean): void {
  if (url.protocol !== 'https:' && !(exempted && url.protocol === 'http:')) {
    throw new OutboundFailure('invalid-url', `${url.host || url.protocol} can only be asked over https`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new OutboundFailure('invalid-url', `the address of ${url.host} holds credentials`);
  }
}

/** 303 always, and 301 and 302 as every browser does, become a GET. */
function afterRedirect(status: number, request: OutboundRequest): OutboundRequest {
  if (status === 307 || status === 308 || request.method !== 'POST') return request;
  const { body: _dropped, ...rest } = request;
  return { ...rest, method: 'GET', headers: without(request.headers ?? {}, new Set(['content-type'])) };
}

function without(headers: Readonly<Record<string, string>>, names: ReadonlySet<string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.has(name.toLowerCase())));
}

function plainHeaders(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) plain[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  }
  return plain;
}

/** The whole body, unpacked; both as sent and unpacked it is cut off, with an error, above the limit. */
async function read(
  response: Dispatcher.ResponseData,
  headers: Record<string, string>,
  url: URL,
  { method, maxBytes }: OutboundRequest,
): Promise<Buffer> {
  const stream = response.body as Readable;
  // A body that is abandoned, or whose end is not awaited, may still fail.
  stream.on('error', () => stream.destroy());
  if (method === 'HEAD') {
    stream.resume();
    return Buffer.alloc(0);
  }
  const tooLarge = () => new OutboundFailure('too-large', `${url.host} answered with more than ${maxBytes} bytes`);
  async function* limited(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let size = 0;
    for await (const chunk of source) {
      size += chunk.length;
      if (size > maxBytes) throw tooLarge();
      yield chunk;
    }
  }
  try {
    if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
    const unpacker = unpackerFor(headers['content-encoding'], url);
    const chunks: Buffer[] = [];
    for await (const chunk of unpacker ? limited(pipeline(stream, limited, unpacker, toReader)) : limited(stream)) {
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } catch (error) {
    stream.destroy();
    throw error;
  }
}

function unpackerFor(encoding: string | undefined, url: URL): Transform | undefined {
  // We ask for none; some servers pack all the same.
  switch (encoding?.trim().toLowerCase()) {
    case undefined:
    case '':
    case 'identity':
      return undefined;
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      throw new OutboundFailure('invalid-answer', `${url.host} packs its answer in a way that was not asked for`);
  }
}

/** A pipeline's error; whoever reads its last stream is told the same. */
const toReader = () => undefined;

function explained(error: unknown, url: URL, { deadline }: OutboundRequest): unknown {
  if (error instanceof AddressRefused || error instanceof OutboundFailure) return error;
  if (deadline.signal.aborted) return endOf(deadline, `asking ${url.host}`);
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  if (code === 'UND_ERR_HEADERS_OVERFLOW') {
    return new OutboundFailure('too-large', `${url.host} answered with too many headers`, { cause: error });
  }
  if (code.startsWith('HPE_') || error instanceof errors.HTTPParserError) {
    return new OutboundFailure('invalid-answer', `${url.host} answered with something that is not HTTP`, {
      cause: error,
    });
  }
  const unpacking = code.startsWith('Z_') || code.startsWith('ERR_BROTLI') || code.startsWith('ERR__ERROR');
  return unpacking
    ? new OutboundFailure('invalid-answer', `${url.host} answered with damaged data`, { cause: error })
    : new OutboundFailure('unreachable', `${url.host} ${inWords(code)}`, { cause: error });
}

function inWords(code: string): string {
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'has no address that could be found';
  if (code === 'ECONNREFUSED') return 'does not take connections';
  if (/TIMEOUT|ETIMEDOUT/.test(code)) return 'does not answer';
  if (/CERT|SSL|TLS|SELF_SIGNED|ALTNAME|UNABLE_TO/.test(code)) return 'has no certificate that can be trusted';
  return 'broke off the connection';
}
