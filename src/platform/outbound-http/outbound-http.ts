import { isIP } from 'node:net';
import { pipeline, type Readable, type Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Agent, buildConnector, type Dispatcher, errors, request as undiciRequest } from 'undici';
import { type AddressRanges, createAddressRanges } from '../../lib/address-ranges.ts';
import { checkedLookup, createDnsLookup, type Resolve, systemAddresses } from '../../lib/checked-lookup.ts';
import { endOf, orAborted } from '../../lib/deadline.ts';
import { errorCode, errorSyscall } from '../../lib/error-code.ts';
import { mayConnect } from '../../lib/public-addresses.ts';
import { currentTraceparent } from '../../lib/trace-context.ts';
import { type OutboundCalls, outcomeOfError, outcomeOfStatus } from '../metrics/outbound-calls.ts';
import {
  AddressRefused,
  OutboundFailure,
  type OutboundHttp,
  type OutboundRequest,
  type OutboundResponse,
} from './types.ts';

export interface OutboundHttpOptions {
  /** Private networks, in CIDR notation, that the client may connect to. */
  allowedNetworks: readonly string[];
  /**
   * Hosts that the administrator has configured, as host or host:port (without a port: the default port of the scheme).
   * Their addresses are not checked, and plain http is allowed.
   */
  exemptHosts: readonly string[];
  /**
   * Resolves host names; by default as the operating system does for hosts that the administrator has configured, and by the
   * DNS for all others. Tests replace it.
   */
  lookup?: Resolve;
  calls?: OutboundCalls;
}

const userAgent = 'notebook-sessions';
const connectTimeoutMs = 10_000;
const connectOptions = { timeout: connectTimeoutMs, allowH2: false };
const redirectStatuses = new Set([301, 302, 303, 307, 308]);
const clientHeaders = new Set(['host', 'connection', 'accept-encoding', 'content-length', 'transfer-encoding']);
const credentialHeaders = new Set(['authorization', 'cookie']);

/**
 * Returns a client for HTTPS to the public internet, and for HTTP and HTTPS to configured hosts. The addresses of a host
 * are checked when the connection is made, and the connection goes to one of the checked addresses: a name that resolves
 * differently the next time cannot evade the check. Throws TypeError for an invalid range in `allowedNetworks`.
 */
export function createOutboundHttp(options: OutboundHttpOptions): OutboundHttp {
  const allowed = createAddressRanges(options.allowedNetworks);
  const exempt = new Set(options.exemptHosts.map((host) => host.toLowerCase()));
  // Two pools: a request that needs the check must never use a connection that was made without it.
  const checked = agent(checkedConnector(allowed, options.lookup ?? createDnsLookup()));
  const configured = checkedLookup(() => true, options.lookup ?? systemAddresses);
  const unchecked = agent(buildConnector({ ...connectOptions, lookup: configured }));

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
      const started = undiciRequest(url, {
        dispatcher: exempted ? unchecked : checked,
        method: request.method ?? 'GET',
        headers: {
          'user-agent': userAgent,
          ...without(request.headers ?? {}, clientHeaders),
          // A host that a caller names must not learn which requests belong together.
          ...(exempted && traceHeaders()),
          'accept-encoding': 'identity',
        },
        body,
        signal: deadline.signal,
      });
      // undici ignores the signal until it is connected: a lookup or a connection that hangs would outlast the deadline.
      const response = await orAborted(started, deadline.signal);
      const headers = plainHeaders(response.headers);
      return { status: response.statusCode, headers, body: await read(response, headers, url, request), url };
    } catch (error) {
      throw translate(error, url, request);
    }
  }

  async function follow(to: string | URL, request: OutboundRequest): Promise<OutboundResponse> {
    const start = parseUrl(to);
    const { redirects: limit = 0 } = request;
    let url = start;
    let current = request;
    for (let followed = 0; ; followed += 1) {
      const response = await send(url, request.untrusted !== true && url.origin === start.origin, current);
      const location = redirectStatuses.has(response.status) ? response.headers['location'] : undefined;
      if (location === undefined || limit === 0) return response;
      if (followed >= limit) {
        throw new OutboundFailure('redirect-refused', `${start.host} redirects more than ${limit} times`);
      }
      const next = parseUrl(location, url);
      if (request.redirectsWithin && !isBelow(next, request.redirectsWithin)) {
        const target = `${next.origin}${next.pathname}`;
        throw new OutboundFailure('redirect-refused', `${url.host} redirects to ${target}, which is another service`);
      }
      if (next.origin !== start.origin) {
        // The credentials stay removed, even if a later redirect leads back.
        current = { ...current, headers: without(current.headers ?? {}, credentialHeaders) };
      }
      current = afterRedirect(response.status, current);
      url = next;
    }
  }

  return {
    async request(to, request) {
      const end = options.calls?.begin(request.target);
      try {
        const response = await follow(to, request);
        end?.(outcomeOfStatus(response.status));
        return response;
      } catch (error) {
        end?.(outcomeOfError(error, request.deadline.signal));
        throw error;
      }
    },
    close: async () => {
      await Promise.all([checked.destroy(), unchecked.destroy()]);
    },
  };
}

function traceHeaders(): Record<string, string> {
  const traceparent = currentTraceparent();
  return traceparent === undefined ? {} : { traceparent };
}

function agent(connect: buildConnector.connector): Agent {
  return new Agent({
    connect,
    // For each host: more than the concurrent requests of all anonymous users and some others, if all are slow.
    connections: 128,
    // A request ends with its deadline; these limits only clean up after an abandoned request.
    headersTimeout: 120_000,
    bodyTimeout: 120_000,
    maxHeaderSize: 16 * 1024,
  });
}

function checkedConnector(allowed: AddressRanges, resolve: Resolve): buildConnector.connector {
  const check = (address: string) => mayConnect(address, allowed);
  const lookup = checkedLookup(check, resolve);
  const connect = buildConnector({ ...connectOptions, lookup });
  return (target, callback) => {
    const host = target.hostname.replace(/^\[|\]$/g, '');
    // An address in the URL is never looked up.
    if (isIP(host) !== 0 && !check(host)) callback(new AddressRefused(host), null);
    else connect(target, callback);
  };
}

/** Returns whether `url` is an address below `base`. */
function isBelow(url: URL, base: URL): boolean {
  return url.origin === base.origin && url.pathname.startsWith(base.pathname);
}

function parseUrl(text: string | URL, base?: URL): URL {
  try {
    return new URL(text, base);
  } catch (cause) {
    throw new OutboundFailure('invalid-url', 'the address is not a URL', { cause });
  }
}

function checkUrl(url: URL, exempted: boolean): void {
  if (url.protocol !== 'https:' && !(exempted && url.protocol === 'http:')) {
    throw new OutboundFailure('invalid-url', `${url.host || url.protocol} can be called over https only`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new OutboundFailure('invalid-url', `the address of ${url.host} contains credentials`);
  }
}

/** Returns the request after a redirect: a POST becomes a GET after 301, 302 and 303, as in browsers. */
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

/** Returns the whole body, decompressed. Throws OutboundFailure if the body, as sent or decompressed, exceeds the limit. */
async function read(
  response: Dispatcher.ResponseData,
  headers: Record<string, string>,
  url: URL,
  { method, maxBytes }: OutboundRequest,
): Promise<Buffer> {
  const stream: Readable = response.body;
  // A body that is not read to its end can still fail.
  stream.on('error', () => stream.destroy());
  if (method === 'HEAD') {
    stream.resume();
    return Buffer.alloc(0);
  }
  const tooLarge = () => new OutboundFailure('too-large', `${url.host} sent more than ${maxBytes} bytes`);
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
    const decompressor = decompressorFor(headers['content-encoding'], url);
    const chunks: Buffer[] = [];
    for await (const chunk of decompressor
      ? limited(pipeline(stream, limited, decompressor, toReader))
      : limited(stream)) {
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } catch (error) {
    stream.destroy();
    throw error;
  }
}

/** Some servers compress with gzip although the request does not accept it. */
function decompressorFor(encoding: string | undefined, url: URL): Transform | undefined {
  switch (encoding?.trim().toLowerCase()) {
    case undefined:
    case '':
    case 'identity':
      return undefined;
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    default:
      throw new OutboundFailure('invalid-response', `${url.host} uses a content encoding that was not requested`);
  }
}

/** The callback of a pipeline: the reader of its last stream gets the error, too. */
const toReader = () => undefined;

function translate(error: unknown, url: URL, { deadline }: OutboundRequest): unknown {
  if (error instanceof AddressRefused || error instanceof OutboundFailure) return error;
  if (deadline.signal.aborted) return endOf(deadline, `calling ${url.host}`);
  const options = { cause: error };
  const code = errorCode(error) ?? '';
  if (code === 'UND_ERR_HEADERS_OVERFLOW') {
    return new OutboundFailure('too-large', `${url.host} sent too many headers`, options);
  }
  if (code.startsWith('HPE_') || error instanceof errors.HTTPParserError) {
    return new OutboundFailure('invalid-response', `${url.host} sent a response that is not HTTP`, options);
  }
  if (code.startsWith('Z_')) return new OutboundFailure('invalid-response', `${url.host} sent damaged data`, options);
  return new OutboundFailure('unreachable', failureOf(url.host, code, errorSyscall(error) ?? ''), options);
}

/** Codes of lookups, of the operating system or of the DNS, whose result is that the host has no address. */
const noAddressCodes = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME']);
/** Codes of lookups without a result: the DNS servers of this service have failed, or those of the host's domain. */
const dnsFailureCodes = new Set(['EAI_AGAIN', 'EAI_FAIL', 'ESERVFAIL', 'EREFUSED', 'EBADRESP', 'EFORMERR', 'ENONAME']);

/** @param syscall the function that failed, such as `connect` or `queryA` */
function failureOf(host: string, code: string, syscall: string): string {
  if (noAddressCodes.has(code)) return `${host} has no address in the DNS`;
  const isLookup = /^query|^getaddrinfo$/.test(syscall);
  // These codes have other meanings for connections.
  if (isLookup || dnsFailureCodes.has(code))
    return `the DNS server that this service uses did not give the address of ${host}`;
  return `${host} ${connectionFailure(code)}`;
}

function connectionFailure(code: string): string {
  if (code === 'ECONNREFUSED') return 'does not accept connections';
  if (/TIMEOUT|ETIMEDOUT/.test(code)) return 'does not respond';
  if (/CERT|SSL|TLS|SELF_SIGNED|ALTNAME|UNABLE_TO/.test(code)) return 'has no certificate that can be trusted';
  return 'closed the connection';
}
