import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { targetOf } from '../listener/request-target.ts';

/** An image that stands for a Python environment on this machine. */
export interface LocalImage {
  /** Repository: `images/jupyter`. */
  name: string;
  /** `latest`, `python-3.11`. */
  tag: string;
  description: string;
  /** As Go names it: amd64, arm64. */
  architecture: string;
}

export interface Registry {
  /** Answers `/v2/*`. */
  handle(req: IncomingMessage, res: ServerResponse): void;
  /** `images/jupyter:latest`, in the order they were given: what follows `<registry>/` in a reference. */
  readonly references: readonly string[];
}

const manifestType = 'application/vnd.docker.distribution.manifest.v2+json';
const configType = 'application/vnd.docker.container.image.v1+json';
/** Where a session's files are mounted, as in the images of the Jupyter project. */
const workingDirectory = '/home/jovyan';

interface Stored {
  type: string;
  digest: string;
  content: Buffer;
}

interface Repository {
  /** Manifests by tag. */
  tags: Map<string, Stored>;
  /** Manifests by digest. */
  manifests: Map<string, Stored>;
  /** Configurations by digest. */
  blobs: Map<string, Stored>;
}

/**
 * The part of a registry (OCI distribution specification 1.1) that says what there is: manifests and configurations,
 * without layers. Nothing is ever pulled from it; the image check of the service is the real one.
 */
export function createRegistry({ images }: { images: readonly LocalImage[] }): Registry {
  const repositories = new Map<string, Repository>();
  for (const image of images) store(repositories, image);
  const references = images.map(({ name, tag }) => `${name}:${tag}`);
  return { handle: (req, res) => handle(req, res, repositories, references), references };
}

function store(repositories: Map<string, Repository>, image: LocalImage): void {
  const repository = repositories.get(image.name) ?? { tags: new Map(), manifests: new Map(), blobs: new Map() };
  repositories.set(image.name, repository);
  const config = stored(configType, {
    architecture: image.architecture,
    os: 'linux',
    config: {
      WorkingDir: workingDirectory,
      Labels: {
        'org.opencontainers.image.title': `${image.name}:${image.tag}`,
        'org.opencontainers.image.description': image.description,
      },
    },
    rootfs: { type: 'layers', diff_ids: [] },
  });
  const manifest = stored(manifestType, {
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: configType, size: config.content.length, digest: config.digest },
    layers: [],
  });
  repository.blobs.set(config.digest, config);
  repository.manifests.set(manifest.digest, manifest);
  repository.tags.set(image.tag, manifest);
}

function stored(type: string, document: object): Stored {
  const content = Buffer.from(JSON.stringify(document));
  return { type, content, digest: `sha256:${createHash('sha256').update(content).digest('hex')}` };
}

function handle(
  req: IncomingMessage,
  res: ServerResponse,
  repositories: ReadonlyMap<string, Repository>,
  references: readonly string[],
): void {
  if (req.method !== 'GET' && req.method !== 'HEAD') {
    answerError(res, 405, 'UNSUPPORTED', 'this registry can only be read', { Allow: 'GET, HEAD' });
    return;
  }
  const path = targetOf(req)?.path ?? '';
  if (path === '/v2' || path === '/v2/') {
    answer(res, 200, 'application/json', Buffer.from('{}'));
    return;
  }
  const [, name = '', kind, item = ''] = /^\/v2\/(.+)\/(manifests|blobs|tags)\/([^/]+)$/.exec(path) ?? [];
  const known = `there are: ${references.join(', ')}`;
  const repository = repositories.get(name);
  if (!repository) {
    answerError(
      res,
      404,
      kind ? 'NAME_UNKNOWN' : 'UNSUPPORTED',
      kind ? `no such repository; ${known}` : 'no such page',
    );
  } else if (kind === 'tags' && item === 'list') {
    const tags = [...repository.tags.keys()].sort();
    answer(res, 200, 'application/json', Buffer.from(JSON.stringify({ name, tags })));
  } else if (kind === 'blobs') {
    const blob = repository.blobs.get(item);
    if (blob) answerStored(res, blob);
    else answerError(res, 404, 'BLOB_UNKNOWN', 'no such blob');
  } else {
    const manifest = kind === 'manifests' ? (repository.tags.get(item) ?? repository.manifests.get(item)) : undefined;
    if (manifest) answerStored(res, manifest);
    else answerError(res, 404, 'MANIFEST_UNKNOWN', `no such image; ${known}`);
  }
}

function answerStored(res: ServerResponse, { type, content, digest }: Stored): void {
  answer(res, 200, type, content, { 'Docker-Content-Digest': digest, ETag: `"${digest}"` });
}

function answerError(
  res: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): void {
  const body = JSON.stringify({ errors: [{ code, message, detail: null }] });
  answer(res, status, 'application/json', Buffer.from(body), headers);
}

/** To HEAD, Node sends the headers alone. */
function answer(
  res: ServerResponse,
  status: number,
  type: string,
  content: Buffer,
  headers: Record<string, string> = {},
): void {
  res.writeHead(status, {
    'Content-Type': type,
    'Content-Length': content.length,
    'Docker-Distribution-Api-Version': 'registry/2.0',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  res.end(content);
}
