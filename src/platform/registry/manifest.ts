import { createHash } from 'node:crypto';
import { asObject } from '../../lib/json.ts';
import { isDigest } from './reference.ts';

export const mediaType = {
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
} as const;

/**
 * Media types that registries and old tools give instead of the right one; Docker takes them for images, too. What they
 * stand for is told by the content.
 */
const unspecificTypes: ReadonlySet<string> = new Set([
  '',
  'application/octet-stream',
  'application/json',
  'text/html',
  'text/plain',
]);

/** What a registry is asked for, in order of preference. */
export const manifestAccept = [
  mediaType.ociIndex,
  mediaType.dockerList,
  mediaType.ociManifest,
  mediaType.dockerManifest,
].join(', ');

/** Platforms that sessions run on, in order of preference. */
const architectures = ['amd64', 'arm64'];
/** More than anybody builds for; what a registry says is repeated to the caller. */
const maxPlatforms = 100;

export type Manifest =
  /** One image: digest and kind of its configuration, and the bytes of all its parts where they are said. */
  | { kind: 'image'; configDigest: string; configType: ConfigType; size: number | null }
  /** Images for several platforms (`linux/amd64`): the digest of the manifest to read next. */
  | { kind: 'index'; manifestDigest: string; platforms: string[] }
  /** Something else that a registry can hold: a chart, a signature, an image for Windows. */
  | { kind: 'other' }
  /** Not even JSON: no registry says such a thing. */
  | { kind: 'nonsense' };

/** unspecific: only the content says whether it is the configuration of an image. */
export type ConfigType = 'image' | 'unspecific';

/** Reads a manifest as a registry sent it; `contentType` counts where the document does not say what it is. */
export function readManifest(body: Buffer, contentType: string | undefined): Manifest {
  const document = parseObject(body);
  if (!document) return { kind: 'nonsense' };
  const said = document['mediaType'] || contentType?.split(';')[0]?.trim().toLowerCase();
  const type = isUnspecific(said) ? typeByContent(document) : said;
  if (type === mediaType.dockerList || type === mediaType.ociIndex) return readIndex(document['manifests']);
  if (type !== mediaType.dockerManifest && type !== mediaType.ociManifest) return { kind: 'other' };
  const config = asObject(document['config']);
  const digest = digestOf(config);
  const configType = typeOfConfig(config?.['mediaType']);
  if (!config || !digest || !configType) return { kind: 'other' };
  return { kind: 'image', configDigest: digest, configType, size: sizeOf([config, ...objects(document['layers'])]) };
}

const isUnspecific = (type: unknown): boolean => unspecificTypes.has(String(type ?? ''));

/** OCI documents need not say what they are, and some registries serve all of them as one type. */
function typeByContent(document: Record<string, unknown>): string | undefined {
  if (Array.isArray(document['manifests'])) return mediaType.ociIndex;
  return Array.isArray(document['layers']) ? mediaType.ociManifest : undefined;
}

function typeOfConfig(type: unknown): ConfigType | undefined {
  if (type === mediaType.dockerConfig || type === mediaType.ociConfig) return 'image';
  return isUnspecific(type) ? 'unspecific' : undefined;
}

function readIndex(manifests: unknown): Manifest {
  const entries = objects(manifests).flatMap((entry) => {
    const digest = digestOf(entry);
    return digest ? [{ digest, platform: platformOf(asObject(entry['platform'])) }] : [];
  });
  const platforms = [...new Set(entries.flatMap(({ platform }) => platform ?? []))].slice(0, maxPlatforms);
  // An index may hold one manifest, and says no platform then.
  const only = entries.length === 1 && entries[0]?.platform === null ? entries[0] : undefined;
  const best =
    only ??
    architectures
      .flatMap((architecture) => entries.filter(({ platform }) => platform && isLinuxOn(architecture, platform)))
      .at(0);
  return best ? { kind: 'index', manifestDigest: best.digest, platforms } : { kind: 'other' };
}

/** `os/architecture[/variant]` as container tools write it; null where it is not said, or not in such words. */
function platformOf(said: Record<string, unknown> | undefined): string | null {
  const words = [said?.['os'], said?.['architecture'], ...(said?.['variant'] ? [said['variant']] : [])];
  const isWord = (word: unknown) => typeof word === 'string' && /^[a-z0-9._-]{1,32}$/i.test(word);
  // Attestations and signatures stand in indexes with a platform that is `unknown`.
  return words.every(isWord) && !words.includes('unknown') ? words.join('/') : null;
}

function isLinuxOn(architecture: string, platform: string): boolean {
  return platform === `linux/${architecture}` || platform.startsWith(`linux/${architecture}/`);
}

/** Whether sessions run on that platform. */
export function runsSessions(platform: string): boolean {
  return architectures.some((architecture) => isLinuxOn(architecture, platform));
}

/** The sum of what descriptors say; null where one of them says nothing that can be a size. */
function sizeOf(descriptors: readonly Record<string, unknown>[]): number | null {
  const isSize = (size: unknown): size is number => Number.isSafeInteger(size) && (size as number) >= 0;
  const sizes = descriptors.map((descriptor) => descriptor['size']).filter(isSize);
  const sum = sizes.reduce((total, size) => total + size, 0);
  return sizes.length === descriptors.length && Number.isSafeInteger(sum) ? sum : null;
}

export interface ImageConfig {
  /** `linux/amd64`; null where it is not said. */
  platform: string | null;
  /** Absolute, `/` where it is said to be empty, null where it is not said or no path that can be mounted at. */
  workingDir: string | null;
}

/** What an image's configuration says; undefined where it is no configuration of an image. */
export function readConfig(body: Buffer, type: ConfigType): ImageConfig | undefined {
  const document = parseObject(body);
  if (type === 'unspecific' && !asObject(document?.['rootfs'])) return undefined;
  const value = asObject(document?.['config'])?.['WorkingDir'];
  const path = typeof value === 'string' && isPlainPath(value) ? value : null;
  return { platform: platformOf(document), workingDir: value === '' ? '/' : path };
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

function objects(values: unknown): Record<string, unknown>[] {
  const list: unknown[] = Array.isArray(values) ? values : [];
  return list.flatMap((value) => {
    const object = asObject(value);
    return object ? [object] : [];
  });
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
