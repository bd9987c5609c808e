import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeRegistry {
  /** host:port. */
  readonly host: string;
  readonly paths: string[];
  /** What happens to a call instead of the usual response: an HTTP status, or no response. */
  fault: (path: string) => number | 'silence' | undefined;
  /** Required credentials (`user:password`); undefined: images are public. */
  login: string | undefined;
  close(): Promise<void>;
}

const config = JSON.stringify({ architecture: 'amd64', os: 'linux', config: { WorkingDir: '/home/student' } });
const digest = `sha256:${createHash('sha256').update(config).digest('hex')}`;
const mediaType = 'application/vnd.docker.distribution.manifest.v2+json';
const manifest = JSON.stringify({
  schemaVersion: 2,
  mediaType,
  config: { mediaType: 'application/vnd.docker.container.image.v1+json', size: config.length, digest },
  layers: [],
});

/** Serves every image that is requested, over HTTP. */
export async function startFakeRegistry(): Promise<FakeRegistry> {
  const server = createServer((req, res) => {
    const path = req.url ?? '';
    self.paths.push(path);
    const fault = self.fault(path);
    if (fault === 'silence') return;
    const { authorization } = req.headers;
    if (path.startsWith('/token')) {
      const isKnown = authorization === `Basic ${Buffer.from(self.login ?? '').toString('base64')}`;
      res.writeHead(isKnown ? 200 : 401, { 'content-type': 'application/json' });
      res.end(isKnown ? '{"token":"pull"}' : '{}');
    } else if (self.login !== undefined && authorization !== 'Bearer pull') {
      res.writeHead(401, { 'www-authenticate': `Bearer realm="http://${self.host}/token",service="registry"` }).end();
    } else if (fault !== undefined) res.writeHead(fault, { 'content-type': 'application/json' }).end('{}');
    else if (path.includes('/blobs/')) res.writeHead(200, { 'content-type': 'application/octet-stream' }).end(config);
    else res.writeHead(200, { 'content-type': mediaType }).end(manifest);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const self: FakeRegistry = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    paths: [],
    fault: () => undefined,
    login: undefined,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return self;
}
