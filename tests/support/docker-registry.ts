import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type CryptoKey, importPKCS8, SignJWT } from 'jose';
import { generate } from 'selfsigned';
import { mediaType } from '../../src/platform/registry/manifest.ts';

/** Returns the registry of the distribution project (tests/docker-registry/install); undefined if it is not installed. */
export function dockerRegistryProgram(): string | undefined {
  const program = process.env['DOCKER_REGISTRY'] || 'docker-registry';
  return spawnSync(program, ['--version']).status === 0 ? program : undefined;
}

export interface DockerRegistry extends AsyncDisposable {
  /** host:port. */
  readonly host: string;
  /** The URL of the token server, which is GitLab in a real deployment. */
  readonly gitUrl: string;
  /** Requests to the token server: `SCOPE USER`, with `-` for no credentials and `?` for unknown ones. */
  readonly tokenRequests: string[];
  /** Pushes an image and returns the digest of its manifest. */
  push(repository: string, tag: string | undefined, image: ImageToPush): Promise<string>;
  /** Pushes any manifest and returns its digest. */
  pushManifest(repository: string, tag: string | undefined, type: string, document: object): Promise<string>;
  kill(): Promise<void>;
}

export interface ImageToPush {
  format: 'docker' | 'oci';
  os?: string;
  architecture?: string;
  workingDir?: string;
  /** The size of the only layer. */
  layerBytes?: number;
  /** Default: the type of the format. Old versions of Docker pushed configurations as application/octet-stream. */
  configType?: string;
}

/** The service that tokens are valid for: GitLab's name for its registry. */
const service = 'container_registry';

type User = string | undefined;
type Action = 'pull' | 'push';

/**
 * Starts the registry with token authentication. `tokens` are the users' GitLab tokens by user name; `mayPull` decides
 * whether the token server grants access.
 */
export async function startDockerRegistry(options: {
  program: string;
  tokens: Readonly<Record<string, string>>;
  mayPull: (repository: string, user: User) => boolean;
}): Promise<DockerRegistry> {
  const directory = mkdtempSync(join(tmpdir(), 'notebook-sessions-registry-'));
  const issuer = await tokenIssuer(join(directory, 'certificate.pem'));
  const tokenRequests: string[] = [];
  const server = createServer((req, res) => void answerTokenRequest(req, res, { ...options, issuer, tokenRequests }));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const gitUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { child, host } = await startProgram(options.program, directory, gitUrl);
  const call = caller(host, issuer);

  const pushManifest: DockerRegistry['pushManifest'] = async (repository, tag, type, document) => {
    const body = Buffer.from(JSON.stringify(document));
    const digest = sha256(body);
    await call('PUT', `/v2/${repository}/manifests/${tag ?? digest}`, repository, body, type);
    return digest;
  };
  return {
    host,
    gitUrl,
    tokenRequests,
    pushManifest,
    async push(repository, tag, image) {
      const { format, os = 'linux', architecture = 'amd64', workingDir, layerBytes = 1000, configType } = image;
      const oci = format === 'oci';
      const layer = await call.blob(repository, Buffer.alloc(layerBytes, architecture));
      const config = await call.blob(
        repository,
        Buffer.from(
          JSON.stringify({
            os,
            architecture,
            config: workingDir === undefined ? {} : { WorkingDir: workingDir },
            rootfs: { type: 'layers', diff_ids: [] },
          }),
        ),
      );
      const type = oci ? mediaType.ociManifest : mediaType.dockerManifest;
      return pushManifest(repository, tag, type, {
        schemaVersion: 2,
        mediaType: type,
        config: { ...config, mediaType: configType ?? (oci ? mediaType.ociConfig : mediaType.dockerConfig) },
        layers: [
          {
            ...layer,
            mediaType: oci
              ? 'application/vnd.oci.image.layer.v1.tar+gzip'
              : 'application/vnd.docker.image.rootfs.diff.tar.gzip',
          },
        ],
      });
    },
    kill: () => end(child),
    async [Symbol.asyncDispose]() {
      await end(child);
      await closed(server);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

interface Descriptor {
  digest: string;
  size: number;
}

/** Returns a function that calls the registry's HTTP API with a token to pull and push the repository. */
function caller(host: string, issuer: Issuer) {
  const call = async (method: string, path: string, repository: string, body?: Buffer, type?: string) => {
    const token = await issuer.sign(service, repository, ['pull', 'push']);
    const url = new URL(path, `http://${host}`);
    const response = await fetch(url, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(type === undefined ? {} : { 'content-type': type }) },
      ...(body === undefined ? {} : { body: new Uint8Array(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
    await response.arrayBuffer();
    return response;
  };
  const blob = async (repository: string, content: Buffer): Promise<Descriptor> => {
    const begun = await call('POST', `/v2/${repository}/blobs/uploads/`, repository);
    const upload = new URL(begun.headers.get('location') ?? '', `http://${host}`);
    upload.searchParams.set('digest', sha256(content));
    await call('PUT', upload.href, repository, content, 'application/octet-stream');
    return { digest: sha256(content), size: content.length };
  };
  return Object.assign(call, { blob });
}

const sha256 = (content: Buffer) => `sha256:${createHash('sha256').update(content).digest('hex')}`;

interface Issuer {
  sign(service: string, repository: string, actions: readonly Action[]): Promise<string>;
}

/** Returns an issuer of tokens that the registry trusts: their header has the certificate of its configuration. */
async function tokenIssuer(certificateFile: string): Promise<Issuer> {
  const made = await generate([{ name: 'commonName', value: 'tokens' }], { keyType: 'ec', algorithm: 'sha256' });
  writeFileSync(certificateFile, made.cert);
  const x5c = [new X509Certificate(made.cert).raw.toString('base64')];
  const key: CryptoKey = await importPKCS8(made.private, 'ES256');
  return {
    sign: (service, name, actions) =>
      new SignJWT({ access: [{ type: 'repository', name, actions }] })
        .setProtectedHeader({ alg: 'ES256', typ: 'JWT', x5c })
        .setIssuer('tests')
        .setSubject('')
        .setAudience(service)
        .setJti(String(Math.random()))
        .setNotBefore('-10s')
        .setIssuedAt()
        .setExpirationTime('1m')
        .sign(key),
  };
}

async function answerTokenRequest(
  req: IncomingMessage,
  res: ServerResponse,
  about: {
    issuer: Issuer;
    tokenRequests: string[];
    tokens: Readonly<Record<string, string>>;
    mayPull: (repository: string, user: User) => boolean;
  },
): Promise<void> {
  const query = new URL(req.url ?? '', 'http://localhost').searchParams;
  const credentials = /^Basic (.+)$/.exec(req.headers.authorization ?? '')?.[1];
  const password = Buffer.from(credentials ?? '', 'base64')
    .toString()
    .replace(/^oauth2:/, '');
  const user = Object.keys(about.tokens).find((name) => about.tokens[name] === password);
  const scope = query.get('scope') ?? '';
  about.tokenRequests.push(`${scope} ${user ?? (credentials === undefined ? '-' : '?')}`);
  const repository = /^repository:(.+):pull$/.exec(scope)?.[1] ?? '';
  // As GitLab does: no token for a repository that the user may not pull.
  if ((credentials !== undefined && user === undefined) || !about.mayPull(repository, user)) {
    return void res.writeHead(403).end('{"errors":[{"code":"DENIED","message":"access forbidden"}]}');
  }
  const token = await about.issuer.sign(query.get('service') ?? '', repository, ['pull']);
  res.setHeader('Content-Type', 'application/json').end(JSON.stringify({ token, expires_in: 60 }));
}

async function startProgram(
  program: string,
  directory: string,
  gitUrl: string,
): Promise<{ child: ChildProcess; host: string }> {
  const file = join(directory, 'config.yml');
  // JSON is YAML.
  const config = {
    version: 0.1,
    log: { accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(directory, 'data') } },
    http: { addr: '127.0.0.1:0', secret: 'tests' },
    auth: {
      token: {
        realm: `${gitUrl}/jwt/auth`,
        service,
        issuer: 'tests',
        rootcertbundle: join(directory, 'certificate.pem'),
      },
    },
  };
  writeFileSync(file, JSON.stringify(config));
  const child = spawn(program, ['serve', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) {
    lines.push(line);
    const host = /listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1];
    if (host !== undefined) {
      child.stderr.resume();
      return { child, host };
    }
  }
  throw new Error(`the registry did not start:\n${lines.join('\n')}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}
