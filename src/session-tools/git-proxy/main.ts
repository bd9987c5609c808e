/**
 * The git proxy of a session: adds the user's credentials to requests of git for the session's repository, so that the session
 * itself has no token. Variables: session-contract/git-proxy.ts. The log is on standard output.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { gitProxyOrigin } from '../../session-contract/git-proxy.ts';
import { trustedContext } from './certificates.ts';
import { healthHandler } from './health.ts';
import { createGitProxy } from './proxy.ts';
import { type ProxySettings, readSettings } from './settings.ts';
import { createShutdown } from './shutdown.ts';
import { createTokenStore } from './tokens.ts';
import { tunnel } from './tunnel.ts';

let secrets = (): string[] => [];

/** Writes a line without control characters and credentials: it may contain messages of other servers. */
const log = (line: string) => {
  const plain = secrets().reduce((text, secret) => text.replaceAll(secret, '[token]'), line.replace(/\p{Cc}+/gu, ' '));
  process.stdout.write(`${plain}\n`);
};

async function run(settings: ProxySettings): Promise<void> {
  const terminated = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve());
  });
  const secureContext = trustedContext(settings.certificates);
  const platform = settings.platform && { ...settings.platform, secureContext };
  const tokens = createTokenStore(settings.tokens, { platform, log });
  secrets = () => [...tokens.secrets(), settings.key];
  const stop = new AbortController();
  tokens.renewInBackground(stop.signal);

  const { host, port, healthPort, key, repository, graceMs, waitForAgent } = settings;
  const shutdown = createShutdown({ waitForAgent, graceMs, active: () => proxy.active() });
  const onShutdown = () => shutdown.saved();
  const origin = gitProxyOrigin(host, port);
  const proxy = createGitProxy({ origin, key, repository, tokens, secureContext, log, onShutdown });
  // A push may take any time; the time limits of an idle connection are those of the upstream.
  const server = createServer({ requestTimeout: 0, headersTimeout: 60_000 }, proxy.handler);
  server.on('connect', (req, client, head) => {
    if (!settings.tunnels) client.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    else
      tunnel(req, client, head, stop.signal).then(
        (outcome) => log(`CONNECT ${req.url}: ${outcome}`),
        (error: unknown) => log(String(error)),
      );
  });
  server.listen({ host, port });
  await once(server, 'listening');
  const health = createServer(healthHandler(() => server.listening, onShutdown));
  if (healthPort > 0) {
    health.listen(healthPort);
    await once(health, 'listening');
  }
  log(
    `The git proxy listens on ${origin} for ${repository.host}${settings.tokens.gitToken === null ? ', without a git token' : ''}.`,
  );

  await terminated;
  await shutdown.allowed();
  stop.abort();
  proxy.close();
  for (const each of [server, health]) {
    each.close();
    each.closeAllConnections();
  }
  log('The git proxy has ended.');
}

try {
  await run(readSettings(process.env));
} catch (error) {
  log(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
