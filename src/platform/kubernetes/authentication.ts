import { createHash } from 'node:crypto';
import type { RequestOptions } from 'node:https';
import type { Logger } from 'pino';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import { createCredentialReader } from './credentials.ts';
import type { KubeConfig } from './kubeconfig.ts';

export interface Credentials {
  headers: Record<string, string>;
  dispatcher: Dispatcher;
}

export interface Authentication {
  /** Base URL of the API server, without a trailing slash. */
  readonly server: string;
  current(): Promise<Credentials>;
  /** Discards the credentials after the API server has rejected them. The next call of `current` reads them again. */
  invalidate(): void;
  close(): Promise<void>;
}

/** Time after which credentials are read again. client-go reads token files again every minute, long before they expire. */
const credentialsAgeMs = 30_000;

/**
 * Provides the credentials of the kubeconfig's user and one connection pool. The pool is replaced when the content of the CA
 * or of the client certificate changes.
 */
export function createAuthentication({ kubeconfig, log }: { kubeconfig: KubeConfig; log: Logger }): Authentication {
  const { cluster, user } = kubeconfig;
  if (!cluster) throw new Error('The kubeconfig has no current cluster: set current-context, or KUBECONFIG.');
  const proxyUrl = cluster.proxyUrl;
  if (proxyUrl && !/^https?:/.test(proxyUrl))
    throw new Error('The proxy-url of the kubeconfig must begin with http:// or https://.');
  const readCredentials = createCredentialReader(cluster, user);

  let agent: { dispatcher: Dispatcher; fingerprint: string } | undefined;
  let known: { credentials: Promise<Credentials>; until: number } | undefined;

  async function read(): Promise<Credentials> {
    const options = await readCredentials();
    const fingerprint = fingerprintOf(options);
    if (agent?.fingerprint !== fingerprint) {
      const old = agent?.dispatcher;
      agent = { dispatcher: makeDispatcher(options, proxyUrl), fingerprint };
      old
        ?.close()
        .catch((err: unknown) =>
          log.debug({ err }, 'the former connections to the Kubernetes API could not be closed'),
        );
    }
    const headers: Record<string, string> = {};
    if (options.auth) headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
    for (const [name, value] of Object.entries(options.headers ?? {})) {
      // A token file usually ends with a newline, which is not allowed in a header.
      if (value !== undefined) headers[name.toLowerCase()] = String(value).trim();
    }
    return { headers, dispatcher: agent.dispatcher };
  }

  return {
    server: cluster.server.replace(/\/+$/, ''),
    current() {
      if (!known || performance.now() > known.until) {
        const credentials = read();
        known = { credentials, until: performance.now() + credentialsAgeMs };
        credentials.catch(() => {
          known = undefined;
        });
      }
      return known.credentials;
    },
    invalidate() {
      known = undefined;
    },
    async close() {
      await agent?.dispatcher.destroy();
    },
  };
}

function fingerprintOf(options: RequestOptions): string {
  const parts = [options.ca, options.cert, options.key, options.pfx, options.passphrase, options.servername];
  const hash = createHash('sha256').update(String(options.rejectUnauthorized));
  for (const part of parts) hash.update('\0').update(typeof part === 'string' || Buffer.isBuffer(part) ? part : '');
  return hash.digest('hex');
}

function makeDispatcher(options: RequestOptions, proxyUrl: string | undefined): Dispatcher {
  const tls = Object.fromEntries(
    (['ca', 'cert', 'key', 'pfx', 'passphrase', 'rejectUnauthorized', 'servername'] as const)
      .map((name) => [name, options[name]])
      .filter(([, value]) => value !== undefined),
  );
  // undici's time limits are off, because the caller's deadline applies. HTTP/2 is off, because with HTTP/2 one half-open
  // connection would block all calls.
  const common = { headersTimeout: 0, bodyTimeout: 0, allowH2: false };
  if (proxyUrl) return new ProxyAgent({ ...common, uri: proxyUrl, requestTls: tls });
  return new Agent({ ...common, connect: { ...tls, timeout: 10_000, keepAlive: true, keepAliveInitialDelay: 30_000 } });
}
