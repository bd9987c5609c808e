import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Deadline } from '../../lib/deadline.ts';
import { basicPassword } from '../http/credentials.ts';
import type { RequestHandler } from '../http/listen.ts';
import { targetOf } from '../http/request-target.ts';
import { sendBody, sendJson } from '../http/responses.ts';

/** An image that represents a Python environment on this machine. */
export interface LocalImage {
  /** Repository: `images/jupyter`. */
  name: string;
  /** `latest`, `python-3.11`. */
  tag: string;
  description: string;
  /** As Go names it: amd64, arm64. */
  architecture: string;
}

/** The images of commits. An image is built when a session needs it. */
export interface CommitRepositories {
  /** Returns true if the tag names a commit for which there is an image. */
  has(project: string, tag: string, deadline: Deadline): Promise<boolean>;
  /** Returns true if the user (undefined: an anonymous user) may pull images of the project; false if it does not exist. */
  mayPull(project: string, user: string | undefined): boolean;
  /** Architecture of all images of commits, as Go names it. */
  architecture: string;
}

export interface RegistryOptions {
  images: readonly LocalImage[];
  /** Absent with a real GitLab, which has its own images. */
  commits?: CommitRepositories | undefined;
  /** Public address of the registry: `http://127.0.0.1:8000`. */
  origin: string;
  /** Returns the user with that password (a token of the forge); undefined if there is none. */
  userOf(password: string): string | undefined;
  /** Returns true if the service sent the request. Its requests for anonymous users have no credentials. */
  isService(req: IncomingMessage): boolean;
}

export interface Registry {
  /** Handles `/v2/*`. */
  handle: RequestHandler;
  /** The parts of references after `<registry>/` (`images/jupyter:latest`), in the order of `images`. */
  readonly references: readonly string[];
  /** All names of the images: `references`, the same without the tag `latest`, and names with a digest. */
  readonly names: readonly string[];
}

const manifestType = 'application/vnd.docker.distribution.manifest.v2+json';
const configType = 'application/vnd.docker.container.image.v1+json';
/** The folder in which a session's files are mounted, as in the images of the Jupyter project. */
const workingDirectory = '/home/jovyan';

/** Time limit of the lookup of a commit, in milliseconds. */
const lookupMs = 8_000;

interface Document {
  type: string;
  digest: string;
  content: Buffer;
}

interface Repository {
  /** Manifests by tag. */
  tags: Map<string, Document>;
  /** Manifests by digest. */
  manifests: Map<string, Document>;
  /** Configurations by digest. */
  blobs: Map<string, Document>;
}

/** Returns the repository of a project with `item` in it; undefined if it does not have `item`. */
type RepositoryOf = (kind: string, name: string, item: string, deadline: Deadline) => Promise<Repository | undefined>;

/**
 * Returns a read-only registry (OCI distribution specification 1.1) with manifests and configurations, but without layers:
 * the service's image check reads it, and no program pulls from it. Every request needs credentials, except the service's
 * own.
 */
export function createRegistry(options: RegistryOptions): Registry {
  const { commits } = options;
  const repositories = new Map<string, Repository>();
  for (const image of options.images) addImage(repositories, image);
  const groups = new Set(options.images.map(({ name }) => name.split('/', 1)[0]));
  const references = options.images.map(({ name, tag }) => `${name}:${tag}`);
  const ofCommits = commits && repositoriesOfCommits(commits);

  /** Returns why the request is rejected; undefined if the caller may read the repository. */
  function rejection(req: IncomingMessage, repository: string | undefined): string | undefined {
    const password = basicPassword(req);
    const user = password === undefined ? undefined : options.userOf(password);
    if (user === undefined && (req.headers.authorization !== undefined || !options.isService(req))) {
      return 'a token of the forge is needed as the password';
    }
    // In the groups of `images` a missing image is 404, with a list of those that exist.
    const isOpen = repository === undefined || !commits || groups.has(repository.split('/', 1)[0]);
    // A project that the user may not see looks like one that does not exist.
    if (isOpen || commits.mayPull(repository, user)) return undefined;
    return 'the project does not exist, or this token gives no access to its images';
  }

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      return sendFailure(res, 405, 'UNSUPPORTED', 'this registry is read-only', { Allow: 'GET, HEAD' });
    }
    const { path } = targetOf(req) ?? { path: '' };
    const [, name, kind = '', item = ''] = /^\/v2\/(.+)\/(manifests|blobs|tags)\/([^/]+)$/.exec(path) ?? [];
    const reason = rejection(req, name);
    if (reason !== undefined) {
      const challenge = { 'WWW-Authenticate': `Basic realm="${new URL(options.origin).host}"` };
      return sendFailure(res, 401, 'UNAUTHORIZED', reason, challenge);
    }
    if (path === '/v2' || path === '/v2/') return send(res, {});
    if (name === undefined) return sendFailure(res, 404, 'UNSUPPORTED', 'no such page');
    const gone = new AbortController();
    res.on('close', () => gone.abort());
    const deadline = Deadline.after(lookupMs, gone.signal);
    const repository = repositories.get(name) ?? (await ofCommits?.(kind, name, item, deadline));
    sendItem(res, repository, { name, kind, item, references });
  }

  return { handle, references, names: [...references, ...otherNames(repositories)] };
}

function otherNames(repositories: ReadonlyMap<string, Repository>): string[] {
  return [...repositories].flatMap(([name, { tags, manifests }]) => [
    ...(tags.has('latest') ? [name] : []),
    ...[...manifests.keys()].map((digest) => `${name}@${digest}`),
  ]);
}

const newRepository = (): Repository => ({ tags: new Map(), manifests: new Map(), blobs: new Map() });

/**
 * Images of commits have names by tag only, and all have the same configuration: the packages of a commit are determined
 * when a session needs them.
 */
function repositoriesOfCommits({ has, architecture }: CommitRepositories): RepositoryOf {
  const description = 'The Python environment of a commit';
  const { config, manifest } = documentsOf({ title: 'commit', description, architecture });
  return async (kind, name, item, deadline) => {
    if (kind === 'blobs') return { ...newRepository(), blobs: new Map([[config.digest, config]]) };
    if (kind !== 'manifests' || !(await has(name, item, deadline))) return undefined;
    return { ...newRepository(), tags: new Map([[item, manifest]]) };
  };
}

function addImage(repositories: Map<string, Repository>, image: LocalImage): void {
  const repository = repositories.get(image.name) ?? newRepository();
  repositories.set(image.name, repository);
  const { name, tag, description, architecture } = image;
  const { config, manifest } = documentsOf({ title: `${name}:${tag}`, description, architecture });
  repository.blobs.set(config.digest, config);
  repository.manifests.set(manifest.digest, manifest);
  repository.tags.set(tag, manifest);
}

function documentsOf(image: { title: string; description: string; architecture: string }) {
  const config = createDocument(configType, {
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
  const manifest = createDocument(manifestType, {
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: configType, size: config.content.length, digest: config.digest },
    layers: [],
  });
  return { config, manifest };
}

function createDocument(type: string, value: object): Document {
  const content = Buffer.from(JSON.stringify(value));
  return { type, content, digest: `sha256:${createHash('sha256').update(content).digest('hex')}` };
}

function sendItem(
  res: ServerResponse,
  repository: Repository | undefined,
  { name, kind, item, references }: { name: string; kind: string; item: string; references: readonly string[] },
): void {
  const available = `available images: ${references.join(', ')}`;
  if (!repository) {
    sendFailure(res, 404, 'NAME_UNKNOWN', `no such repository; ${available}`);
  } else if (kind === 'tags' && item === 'list') {
    send(res, { name, tags: [...repository.tags.keys()].sort() });
  } else if (kind === 'blobs') {
    const blob = repository.blobs.get(item);
    if (blob) sendDocument(res, blob);
    else sendFailure(res, 404, 'BLOB_UNKNOWN', 'no such blob');
  } else {
    const manifest = kind === 'manifests' ? (repository.tags.get(item) ?? repository.manifests.get(item)) : undefined;
    if (manifest) sendDocument(res, manifest);
    else sendFailure(res, 404, 'MANIFEST_UNKNOWN', `no such image; ${available}`);
  }
}

const version = { 'Docker-Distribution-Api-Version': 'registry/2.0' };

function send(res: ServerResponse, value: object): void {
  sendJson(res, 200, value, version);
}

function sendDocument(res: ServerResponse, { type, content, digest }: Document): void {
  sendBody(res, 200, content, {
    ...version,
    'Content-Type': type,
    'Docker-Content-Digest': digest,
    ETag: `"${digest}"`,
  });
}

/** Sends an error in the format of the OCI distribution specification 1.1, "Error codes". */
function sendFailure(
  res: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): void {
  sendJson(res, status, { errors: [{ code, message, detail: null }] }, { ...version, ...headers });
}
