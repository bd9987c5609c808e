import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Deadline } from '../../lib/deadline.ts';
import { targetOf } from '../http/request-target.ts';
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

/** Images of commits, which are made when a session needs them. */
export interface CommitRepositories {
  /** Whether there is an image of the commit that the tag names. */
  has(project: string, tag: string, deadline: Deadline): Promise<boolean>;
  /** Whether the user (undefined: an anonymous caller) may pull images of the project; false where there is no such project. */
  mayPull(project: string, user: string | undefined): boolean;
  /** Of all of them, as Go names it. */
  architecture: string;
}

export interface RegistryOptions {
  /** Kept in this order. */
  images: readonly LocalImage[];
  /** Absent where a real GitLab has the projects. */
  commits?: CommitRepositories | undefined;
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

/** Milliseconds that a look into a project's repository may take. */
const lookMs = 8_000;

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
  const { commits } = options;
  const repositories = new Map<string, Repository>();
  for (const image of options.images) store(repositories, image);
  const groups = new Set(options.images.map(({ name }) => name.split('/', 1)[0]));
  const isBesideImages = (name: string) => groups.has(name.split('/', 1)[0]);
  const references = options.images.map(({ name, tag }) => `${name}:${tag}`);
  const gate = createGate({
    ...options,
    // The answer for an image that is not there lists those that are. A project that the user may not see is answered
    // like one that is not there.
    mayPull: (name, user) => {
      const repository = repositories.get(name);
      if (!repository) return !commits || isBesideImages(name) || commits.mayPull(name, user);
      const { readers } = repository;
      return readers === undefined || (user !== undefined && readers.includes(user));
    },
  });
  const ofCommits = commits && repositoriesOfCommits(commits);
  const open = options.images.filter(({ readers }) => readers === undefined).map(({ name, tag }) => `${name}:${tag}`);
  return {
    handle: (req, res) => handle(req, res, { repositories, ofCommits, open, gate }),
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

const newRepository = (readers?: readonly string[]): Repository => ({
  readers,
  tags: new Map(),
  manifests: new Map(),
  blobs: new Map(),
});

/** The repository of a project as far as `item` is in it; undefined where it is not. */
type RepositoryOf = (kind: string, name: string, item: string, deadline: Deadline) => Promise<Repository | undefined>;

/**
 * Images of commits have names by tag only. All have the same configuration: what a commit asks for is found out when a
 * session needs it, and nothing is ever pulled from here.
 */
function repositoriesOfCommits({ has, architecture }: CommitRepositories): RepositoryOf {
  const description = 'The Python environment of a commit';
  const { config, manifest } = documents({ title: 'commit', description, architecture });
  return async (kind, name, item, deadline) => {
    if (kind === 'blobs') return { ...newRepository(), blobs: new Map([[config.digest, config]]) };
    if (kind !== 'manifests' || !(await has(name, item, deadline))) return undefined;
    return { ...newRepository(), tags: new Map([[item, manifest]]) };
  };
}

function store(repositories: Map<string, Repository>, image: LocalImage): void {
  const repository = repositories.get(image.name) ?? newRepository(image.readers);
  repositories.set(image.name, repository);
  const { name, tag, description, architecture } = image;
  const { config, manifest } = documents({ title: `${name}:${tag}`, description, architecture });
  repository.blobs.set(config.digest, config);
  repository.manifests.set(manifest.digest, manifest);
  repository.tags.set(tag, manifest);
}

function documents(image: { title: string; description: string; architecture: string }) {
  const config = stored(configType, {
    architecture: image.architecture,
    os: 'linux',
    config: {
      WorkingDir: workingDirectory,
      Labels: {
        'org.opencontainers.image.title': image.title,
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
  return { config, manifest };
}

function stored(type: string, document: object): Stored {
  const content = Buffer.from(JSON.stringify(document));
  return { type, content, digest: `sha256:${createHash('sha256').update(content).digest('hex')}` };
}

interface Content {
  repositories: ReadonlyMap<string, Repository>;
  ofCommits: RepositoryOf | undefined;
  open: readonly string[];
  gate: Gate;
}

async function handle(
  req: IncomingMessage,
  res: ServerResponse,
  { repositories, ofCommits, open, gate }: Content,
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
  if (!(await gate.lets(req, res, name))) return;
  const gone = new AbortController();
  res.on('close', () => gone.abort());
  const deadline = Deadline.after(lookMs, gone.signal);
  const repository = repositories.get(name) ?? (await ofCommits?.(kind, name, item, deadline));
  answerFrom(res, repository, { name, kind, item, open });
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
