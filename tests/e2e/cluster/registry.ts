import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Agent, request } from 'undici';

/** The registry of a test cluster. Pushes, and pulls of repositories below `private/`, need the user and password. */
export interface Registry {
  readonly host: string;
  readonly user: string;
  readonly password: string;
  /** A file with a `USER:PASSWORD` on each line. More logins may be added. */
  readonly loginFile: string;
  /** PEM file of the authority that signs its certificate. */
  readonly authority: string;
}

/** The `config` member of an image's configuration, as in the OCI image specification. */
export interface ImageConfig {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly User?: string;
  readonly WorkingDir?: string;
  readonly Env?: readonly string[];
  readonly StopSignal?: string;
}

export interface Image {
  /** `repository:tag` */
  readonly name: string;
  /** The root folder, or the repository and digest of a layer in the registry. */
  readonly root: string | Layer;
  readonly config: ImageConfig;
  /** Another architecture than that of this machine, as Go names it. Then the tag is an index with only this one. */
  readonly architecture?: string;
}

export interface Layer {
  readonly repository: string;
  readonly digest: string;
  readonly size: number;
}

const media = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
};
const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
const pushTimeoutMs = 300_000;

/** Pushes an image of one layer. Returns the layer, of which other images can be made. */
export async function pushImage(registry: Registry, image: Image): Promise<Layer> {
  const [repository = '', tag = 'latest'] = image.name.split(':');
  const scratch = mkdtempSync(join(tmpdir(), 'image-'));
  const dispatcher = newDispatcher(registry);
  const send = sender(registry, repository, dispatcher);
  try {
    const file = join(scratch, 'layer.tar');
    const layer = typeof image.root === 'string' ? await pack(image.root, file) : image.root;
    if (typeof image.root === 'string') await send.blob(layer.digest, () => createReadStream(file), layer.size);
    else await send.mount(image.root);
    const config = JSON.stringify({
      architecture: image.architecture ?? architecture,
      os: 'linux',
      config: image.config,
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
    });
    await send.blob(digestOf(config), () => config, Buffer.byteLength(config));
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: media.manifest,
      config: { mediaType: media.config, size: Buffer.byteLength(config), digest: digestOf(config) },
      layers: [{ mediaType: media.layer, digest: layer.digest, size: layer.size }],
    });
    if (image.architecture === undefined) {
      await send.manifest(tag, manifest, media.manifest);
      return { repository, digest: layer.digest, size: layer.size };
    }
    const digest = await send.manifest(digestOf(manifest), manifest, media.manifest);
    const platform = { os: 'linux', architecture: image.architecture };
    const size = Buffer.byteLength(manifest);
    const manifests = [{ mediaType: media.manifest, size, digest, platform }];
    const index = JSON.stringify({ schemaVersion: 2, mediaType: media.index, manifests });
    await send.manifest(tag, index, media.index);
    return { repository, digest: layer.digest, size: layer.size };
  } finally {
    await dispatcher.close();
    rmSync(scratch, { recursive: true });
  }
}

/** Deletes a layer from its repository. The manifests that refer to the layer stay. */
export async function deleteLayer(registry: Registry, { repository, digest }: Layer): Promise<void> {
  const dispatcher = newDispatcher(registry);
  try {
    await sender(registry, repository, dispatcher).deleteBlob(digest);
  } finally {
    await dispatcher.close();
  }
}

const newDispatcher = ({ authority }: Registry): Agent =>
  new Agent({ connect: { ca: readFileSync(authority) }, bodyTimeout: pushTimeoutMs });

/** Writes a folder to a tar file: the same bytes for the same files. */
async function pack(root: string, file: string): Promise<{ digest: string; size: number }> {
  const args = ['-C', root, '--sort=name', '--numeric-owner', '--mtime=@0', '-cf', '-', '.'];
  const tar = spawn('tar', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(tar, 'close');
  const hash = createHash('sha256');
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await pipeline(tar.stdout, hashing, createWriteStream(file));
  const [code] = await ended;
  if (code !== 0) throw new Error(`tar ended with ${String(code)} for ${root}`);
  return { digest: `sha256:${hash.digest('hex')}`, size: (await stat(file)).size };
}

function sender({ host, user, password }: Registry, repository: string, dispatcher: Agent) {
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const base = `https://${host}/v2/${repository}`;

  async function call(
    method: 'HEAD' | 'POST' | 'PUT' | 'DELETE',
    url: string,
    expected: readonly number[],
    content?: { body: string | Readable; type: string; size: number },
  ) {
    const { statusCode, headers, body } = await request(url, {
      method,
      dispatcher,
      headers: {
        authorization,
        ...(content ? { 'content-type': content.type, 'content-length': String(content.size) } : {}),
      },
      ...(content ? { body: content.body } : {}),
    });
    const text = await body.text();
    if (!expected.includes(statusCode))
      throw new Error(`${method} ${url}: the registry responded ${statusCode}: ${text}`);
    return { statusCode, headers };
  }

  return {
    async blob(digest: string, content: () => string | Readable, size: number) {
      if ((await call('HEAD', `${base}/blobs/${digest}`, [200, 404])).statusCode === 200) return;
      const { headers } = await call('POST', `${base}/blobs/uploads/`, [202]);
      const url = new URL(String(headers['location']), base);
      url.searchParams.set('digest', digest);
      await call('PUT', url.href, [201], { body: content(), type: 'application/octet-stream', size });
    },
    async deleteBlob(digest: string) {
      await call('DELETE', `${base}/blobs/${digest}`, [202]);
    },
    /** Makes a layer of another repository available in this one. */
    async mount({ repository: from, digest }: Layer) {
      await call('POST', `${base}/blobs/uploads/?mount=${digest}&from=${from}`, [201]);
    },
    async manifest(reference: string, json: string, type: string): Promise<string> {
      await call('PUT', `${base}/manifests/${reference}`, [201], { body: json, type, size: Buffer.byteLength(json) });
      return digestOf(json);
    },
  };
}

function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}
