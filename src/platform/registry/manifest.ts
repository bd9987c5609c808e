import { createHash } from 'node:crypto';
import { isDigest } from './reference.ts';

export const mediaType = {
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
} as const;

/** What a registry is asked for, in order of preference. */
export const manifestAccept = [
  mediaType.ociIndex,
  mediaType.dockerList,
  mediaType.ociManifest,
  mediaType.dockerManifest,
].join(', ');

/** Platforms that sessions run on, in order of preference. */
const architectures = ['amd64', 'arm64'];

export type Manifest =
  /** One image: the digest of its configuration. */
  | { kind: 'image'; configDigest: string }
  /** Images for several platforms: the digest of the manifest to read next. */
  | { kind: 'index'; manifestDigest: string }
  /** Something else that a registry can hold: a chart, a signature, an image for Windows, nonsense. */
  | { kind: 'other' };

/** Reads a manifest as a registry sent it; `contentType` counts where the document does not say what it is. */
export function readManifest(body: Buffer, contentType: string | undefined): Manifest {
  const document = parseObject(body);
  if (!document) return { kind: 'other' };
  const type = typeof document['mediaType'] === 'string' ? document['mediaType'] : contentType?.split(';')[0]?.trim();
  if (type === mediaType.dockerList || type === mediaType.ociIndex) return readIndex(document['manifests']);
  if (type !== mediaType.dockerManifest && type !== mediaType.ociManifest) return { kind: 'other' };
  const config = asObject(document['config']);
  const isImage = config?.['mediaType'] === mediaType.dockerConfig || config?.['mediaType'] === mediaType.ociConfig;
  const digest = digestOf(config);
  return isImage && digest ? { kind: 'image', configDigest: digest } : { kind: 'other' };
}

function readIndex(manifests: unknown): Manifest {
  const entries = (Array.isArray(manifests) ? manifests : []).map(asObject);
  for (const architecture of architectures) {
    for (const entry of entries) {
      const platform = asObject(entry?.['platform']);
      const digest = digestOf(entry);
      if (digest && platform?.['os'] === 'linux' && platform['architecture'] === architecture) {
        return { kind: 'index', manifestDigest: digest };
      }
    }
  }
  // A single manifest in an index needs no platform.
  const only = entries.length === 1 && entries[0]?.['platform'] === undefined ? digestOf(entries[0]) : undefined;
  return only ? { kind: 'index', manifestDigest: only } : { kind: 'other' };
}

/**
 * The working directory that an image's configuration names: absolute, `/` where it is said to be empty, null where it
 * is not said or no path that a session could be mounted at.
 */
export function workingDirOf(config: Buffer): string | null {
  const value = asObject(parseObject(config)?.['config'])?.['WorkingDir'];
  if (value === '') return '/';
  return typeof value === 'string' && isPlainPath(value) ? value : null;
}

/** Absolute, printable, and without steps up: the path ends in mounts, variables and a Jupyter configuration file. */
function isPlainPath(path: string): boolean {
  return path.length <= 1024 && /^\/[^\p{Cc}\p{Cs}"'\\$`]*$/u.test(path) && !path.split('/').includes('..');
}

/** Whether content is what its digest promises. */
export function matchesDigest(content: Buffer, digest: string): boolean {
  const [algorithm = '', expected] = digest.split(':');
  return createHash(algorithm).update(content).digest('hex') === expected;
}

function digestOf(descriptor: Record<string, unknown> | undefined): string | undefined {
  const digest = descriptor?.['digest'];
  return typeof digest === 'string' && isDigest(digest) ? digest : undefined;
}

function parseObject(body: Buffer): Record<string, unknown> | undefined {
  try {
    return asObject(JSON.parse(body.toString('utf8')));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
