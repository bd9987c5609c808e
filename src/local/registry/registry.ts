import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { targetOf } from '../listener/request-target.ts';
import { answer, answerError } from './answers.ts';
import { createGate, type Gate } from './gate.ts';

/** An image that stands for a Python environment on this machine. */
export interface LocalImage {
  /** Repository: `images/jupyter`. */
  name: string;
  /** `latest`, `python-3.11`. */
  tag: string;
  description: string;
  /** As Go names it: amd64, arm64. */
  architecture: string;
  /** User names of those who may pull it; everybody where absent. The first image of a repository says it for all. */
  readers?: readonly string[];
}

export interface RegistryOptions {
  /** Kept in this order. */
  images: readonly LocalImage[];
  /** Where the world reaches it: `http://127.0.0.1:8000`. */
  origin: string;
  /** The user whose password (a token of the forge) this is; undefined where it is nobody's. */
  userOf(password: string): string | undefined;
  /** Whether the request may have a token for open repositories without credentials. */
  mayBeAnonymous(req: IncomingMessage): boolean;
  now?: () => number;
}

export interface Registry {
  /** Answers `/v2/*`. */
  handle(req: IncomingMessage, res: ServerResponse): Promise<void>;
  /** `images/jupyter:latest`, in the order they were given: what follows `<registry>/` in a reference. */
  readonly references: readonly string[];
  /** Every name that one of them can be pulled by: also without its tag if that is `latest`, and with its digest. */
  readonly names: readonly string[];
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
  readers: readonly string[] | undefined;
  /** Manifests by tag. */
  tags: Map<string, Stored>;
  /** Manifests by digest. */
  manifests: Map<string, Stored>;
  /** Configurations by digest. */
  blobs: Map<string, Stored>;
}

/**
 * The part of a registry (OCI distribution specification 1.1) that says what there is: manifests and configurations,
 * without layers. Nothing is ever pulled from it; the image check of the service is the real one, and so is the way to
 * a token.
 */
export function createRegistry(options: RegistryOptions): Registry {
  const repositories = new Map<string, Repository>();
  for (const image of options.images) store(repositories, image);
  const references = options.images.map(({ name, tag }) => `${name}:${tag}`);
  const gate = createGate({
    ...options,
    // What is not there is kept from nobody: its answer says what there is.
    mayPull: (name, user) => {
      const readers = repositories.get(name)?.readers;
      return readers === undefined || (user !== undefined && readers.includes(user));
    },
  });
  const open = options.images.filter(({ readers }) => readers === undefined).map(({ name, tag }) => `${name}:${tag}`);
  return {
    handle: (req, res) => handle(req, res, repositories, open, gate),
    references,
    names: [...references, ...otherNames(repositories)],
  };
}

function otherNames(repositories: ReadonlyMap<string, Repository>): string[] {
  return [...repositories].flatMap(([name, { tags, manifests }]) => [
    ...(tags.has('latest') ? [name] : []),
    ...[...manifests.keys()].map((digest) => `${name}@${digest}`),
  ]);
}

function store(repositories: Map<string, Repository>, image: LocalImage): void {
  const repository = repositories.get(image.name) ?? {
    readers: image.readers,
    tags: new Map(),
    manifests: new Map(),
    blobs: new Map(),
  };
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

async function handle(
  req: IncomingMessage,
  res: ServerResponse,
  repositories: ReadonlyMap<string, Repository>,
  open: readonly string[],
  gate: Gate,
): Promise<void> {
  if (req.method !== 'GET' && req.method !== 'HEAD') {
    answerError(res, 405, 'UNSUPPORTED', 'this registry can only be read', { Allow: 'GET, HEAD' });
    return;
  }
  const { path, query } = targetOf(req) ?? { path: '', query: '' };
  if (path === gate.tokenPath) return await gate.giveToken(req, res, new URLSearchParams(query));
  if (path === '/v2' || path === '/v2/') {
    if (await gate.lets(req, res, undefined)) answer(res, 200, 'application/json', Buffer.from('{}'));
    return;
  }
  const [, name = '', kind = '', item = ''] = /^\/v2\/(.+)\/(manifests|blobs|tags)\/([^/]+)$/.exec(path) ?? [];
  if (kind === '') return answerError(res, 404, 'UNSUPPORTED', 'no such page');
  if (await gate.lets(req, res, name)) answerFrom(res, repositories.get(name), { name, kind, item, open });
}

function answerFrom(
  res: ServerResponse,
  repository: Repository | undefined,
  { name, kind, item, open }: { name: string; kind: string; item: string; open: readonly string[] },
): void {
  const known = `there are: ${open.join(', ')}`;
  if (!repository) {
    answerError(res, 404, 'NAME_UNKNOWN', `no such repository; ${known}`);
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
