import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Listener, listen } from '../../src/local/http/listen.ts';
import { createAddresses } from '../../src/local/origins/origins.ts';
import { createRegistry } from '../../src/local/registry/registry.ts';
import { createRouter } from '../../src/local/router.ts';
import { freePort } from '../support/free-ports.ts';

/** The registry of the local platform, used with a container tool. */

const isThere = spawnSync('skopeo', ['--version']).status === 0;
const inCi = process.env['CI'] !== undefined;
const password = 'a-token-of-the-forge';

let listener: Listener;
beforeAll(async () => {
  const port = await freePort();
  const image = { tag: 'latest', description: 'for this test', architecture: 'amd64' };
  const registry = createRegistry({
    images: [{ ...image, name: 'images/jupyter' }],
    origin: `http://127.0.0.1:${port}`,
    userOf: (given) => (given === password ? 'ada' : undefined),
    isService: () => false,
  });
  const sites = createRouter({
    addresses: createAddresses(port),
    gateway: { handle: async (_req, res) => void res.writeHead(404).end() },
    forge: undefined,
    registry: (req, res) => registry.handle(req, res),
    ingress: { handle: (_req, res) => void res.writeHead(404).end(), upgrade: (_req, socket) => void socket.destroy() },
  });
  listener = await listen({ port, ...sites, log: pino({ level: 'silent' }) });
});
afterAll(() => listener?.close(0));

it.runIf(!isThere)('needs skopeo', () => {
  process.stderr.write('\nNOT TESTED: there is no skopeo on this machine (apt-get install skopeo)\n');
  expect(inCi, 'in CI skopeo must be there').toBe(false);
});

/** Inspects an image. skopeo tries TLS first; with --tls-verify=false it continues with plain HTTP. */
async function inspect(image: string, ...options: string[]): Promise<Record<string, unknown>> {
  const args = ['inspect', '--tls-verify=false', ...options, `docker://127.0.0.1:${listener.port}/${image}`];
  const { stdout } = await promisify(execFile)('skopeo', args);
  return JSON.parse(stdout) as Record<string, unknown>;
}

describe.runIf(isThere)('skopeo', () => {
  it('inspects images of the port with a token of the forge', async () => {
    const credentials = ['--creds', `oauth2:${password}`];
    expect(await inspect('images/jupyter', ...credentials)).toMatchObject({
      Name: expect.stringMatching(/images\/jupyter$/),
      Architecture: 'amd64',
      Os: 'linux',
      RepoTags: ['latest'],
    });
  });

  it('gets an error for missing or invalid credentials', async () => {
    await expect(inspect('images/jupyter', '--creds', 'oauth2:wrong')).rejects.toThrow(/token|denied|unauthorized/i);
    await expect(inspect('images/jupyter', '--no-creds')).rejects.toThrow(/token|denied|unauthorized/i);
  });
});
