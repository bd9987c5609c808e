import { createHash } from 'node:crypto';
import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';

export interface Credentials {
  headers: Record<string, string>;
  dispatcher: Dispatcher;
}

export interface Authentication {
  /** Base URL of the API server, without a trailing slash. */
  readonly server: string;
  current(): Promise<Credentials>;
  /** The API server did not accept them: the next call of `current` reads them anew. */
  invalidate(): void;
  close(): Promise<void>;
}

/** Tokens on disk are renewed long before they expire; client-go reads them again every minute too. */
const credentialsAgeMs = 30_000;

/**
 * client-node's ways to sign in (token, token file, client certificate, basic, exec plug-in, OIDC) with one pooled agent.
 * client-node itself makes a new agent, and so a new TLS connection, for every request (measured: 100 requests, 100
 * connections). A rotated CA or client certificate is noticed by its content and gets a new agent.
 */
export function createAuthentication({ kubeconfig, log }: { kubeconfig: KubeConfig; log: Logger }): Authentication {
  const cluster = kubeconfig.getCurrentCluster();
  if (!cluster) throw new Error('The kubeconfig names no current cluster: set current-context, or KUBECONFIG.');
  const proxyUrl = cluster.proxyUrl;
  if (proxyUrl && !/^https?:/.test(proxyUrl))
    throw new Error('Only http and https proxies to the Kubernetes API work.');

  let agent: { dispatcher: Dispatcher; fingerprint: string } | undefined;
  let known: { credentials: Promise<Credentials>; until: number } | undefined;

  async function read(): Promise<Credentials> {
    const options: RequestOptions = {};
    await kubeconfig.applyToHTTPSOptions(options);
    const fingerprint = fingerprintOf(options);
    if (agent?.fingerprint !== fingerprint) {
      const old = agent?.dispatcher;
      agent = { dispatcher: makeDispatcher(options, proxyUrl), fingerprint };
      old?.close().catch((err: unknown) => log.debug({ err }, 'old connections to the Kubernetes API did not close'));
    }
    const headers: Record<string, string> = {};
    if (options.auth) headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
    for (const [name, value] of Object.entries(options.headers ?? {})) {
      // A token file usually ends with a newline, which no header may hold.
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
  // Time is the caller's deadline, so undici's own limits are off. HTTP/1.1 on purpose: with HTTP/2 one connection that
  // is half open would hold up every call at once.
  const common = { headersTimeout: 0, bodyTimeout: 0, allowH2: false };
  if (proxyUrl) return new ProxyAgent({ ...common, uri: proxyUrl, requestTls: tls });
  return new Agent({ ...common, connect: { ...tls, timeout: 10_000, keepAlive: true, keepAliveInitialDelay: 30_000 } });
}
