import { createHash } from 'node:crypto';
import { asObject, parseJson } from '../../lib/json.ts';
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
 * Media types that some registries and old tools send instead of the correct one; Docker accepts them, too. The content
 * decides what the document is.
 */
const unspecificTypes: ReadonlySet<string> = new Set([
  '',
  'application/octet-stream',
  'application/json',
  'text/html',
  'text/plain',
]);

/** The Accept header for manifests, in order of preference. */
export const manifestAccept = [
  mediaType.ociIndex,
  mediaType.dockerList,
  mediaType.ociManifest,
  mediaType.dockerManifest,
].join(', ');

/** Platforms that sessions run on, in order of preference. */
const architectures = ['amd64', 'arm64'];
/** Limits what the service repeats to its caller. */
const maxPlatforms = 100;

export type Manifest =
  /** One image: digest and type of its configuration, and the size of all its parts in bytes, null if unknown. */
  | { kind: 'image'; configDigest: string; configType: ConfigType; size: number | null }
  /** Images for several platforms (`linux/amd64`): the digest of the manifest to read next. */
  | { kind: 'index'; manifestDigest: string; platforms: string[] }
  /** Another object of a registry: a chart, a signature, an image for Windows. */
  | { kind: 'other' }
  /** The response is not a JSON object, so it is not from a registry. */
  | { kind: 'invalid' };

/** `unspecific`: only the content tells whether this is the configuration of an image. */
export type ConfigType = 'image' | 'unspecific';

/** Reads the manifest in a response of a registry. `contentType` is used if the document has no media type. */
export function readManifest(body: Buffer, contentType: string | undefined): Manifest {
  const document = asObject(parseJson(body.toString('utf8')));
  if (!document) return { kind: 'invalid' };
  const named = document['mediaType'] || contentType?.split(';')[0]?.trim().toLowerCase();
  const type = isUnspecific(named) ? typeByContent(document) : named;
  if (type === mediaType.dockerList || type === mediaType.ociIndex) return readIndex(document['manifests']);
  if (type !== mediaType.dockerManifest && type !== mediaType.ociManifest) return { kind: 'other' };
  const config = asObject(document['config']);
  const digest = digestOf(config);
  const configType = typeOfConfig(config?.['mediaType']);
  if (!config || !digest || !configType) return { kind: 'other' };
  return { kind: 'image', configDigest: digest, configType, size: sizeOf([config, ...objects(document['layers'])]) };
}

const isUnspecific = (type: unknown): boolean => unspecificTypes.has(String(type ?? ''));

/** OCI documents need no media type, and some registries send all documents with one content type. */
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
  // An index of one manifest may omit the platform.
  const only = entries.length === 1 && entries[0]?.platform === null ? entries[0] : undefined;
  const best =
    only ??
    architectures
      .flatMap((architecture) => entries.filter(({ platform }) => platform && isLinuxOn(architecture, platform)))
      .at(0);
  return best ? { kind: 'index', manifestDigest: best.digest, platforms } : { kind: 'other' };
}

/** Returns `os/architecture[/variant]` as container tools write it; null if it is missing or not well formed. */
function platformOf(descriptor: Record<string, unknown> | undefined): string | null {
  const words = [
    descriptor?.['os'],
    descriptor?.['architecture'],
    ...(descriptor?.['variant'] ? [descriptor['variant']] : []),
  ];
  const isWord = (word: unknown) => typeof word === 'string' && /^[a-z0-9._-]{1,32}$/i.test(word);
  // Attestations and signatures are listed in indexes with the platform `unknown`.
  return words.every(isWord) && !words.includes('unknown') ? words.join('/') : null;
}

function isLinuxOn(architecture: string, platform: string): boolean {
  return platform === `linux/${architecture}` || platform.startsWith(`linux/${architecture}/`);
}

/** Returns whether sessions can run on a platform. */
export function runsSessions(platform: string): boolean {
  return architectures.some((architecture) => isLinuxOn(architecture, platform));
}

/** Returns the sum of the sizes of descriptors in bytes; null if one of them has no valid size. */
function sizeOf(descriptors: readonly Record<string, unknown>[]): number | null {
  const isSize = (size: unknown): size is number => typeof size === 'number' && Number.isSafeInteger(size) && size >= 0;
  const sizes = descriptors.map((descriptor) => descriptor['size']).filter(isSize);
  const sum = sizes.reduce((total, size) => total + size, 0);
  return sizes.length === descriptors.length && Number.isSafeInteger(sum) ? sum : null;
}

export interface ImageConfig {
  /** `linux/amd64`; null if unknown. */
  platform: string | null;
  /** Absolute path, `/` if the configuration has an empty one, null if it has none or one that cannot be a mount path. */
  workingDir: string | null;
  jupyter: JupyterStart | null;
  /** Whether the entrypoint is known to run the arguments of the container as a command; null if unknown. */
  runsArguments: boolean | null;
}

/**
 * How an image starts Jupyter by itself. `entrypoint`: its entrypoint is a Jupyter server, which takes the arguments of the
 * container as options; `lab`: its default command is JupyterLab.
 */
export type JupyterStart = 'entrypoint' | 'lab';

/** Reads the configuration of an image; returns undefined if the document is not one. */
export function readConfig(body: Buffer, type: ConfigType): ImageConfig | undefined {
  const document = asObject(parseJson(body.toString('utf8')));
  if (type === 'unspecific' && !asObject(document?.['rootfs'])) return undefined;
  const config = asObject(document?.['config']);
  const value = config?.['WorkingDir'];
  const path = typeof value === 'string' && isPlainPath(value) ? value : null;
  return {
    platform: platformOf(document),
    workingDir: value === '' ? '/' : path,
    jupyter: jupyterStart(config),
    runsArguments: config === undefined ? null : runsArguments(config['Entrypoint']),
  };
}

const servers = /^(lab|notebook|server|nbclassic|labhub)$/;
/** The programs of Jupyter, and the scripts of the Jupyter Docker Stacks, that start a server. */
const serverPrograms =
  /^(jupyter-(lab|notebook|server|nbclassic|labhub)|jupyterhub-singleuser|start-(notebook|singleuser)(\.sh|\.py)?)$/;

/** Returns how the image starts Jupyter; null if it does not, or if the command is hidden in a script or unknown. */
function jupyterStart(config: Record<string, unknown> | undefined): JupyterStart | null {
  const [entrypoint, command] = [words(config?.['Entrypoint']), words(config?.['Cmd'])];
  const startsServer = entrypoint.some(
    (word, index) =>
      serverPrograms.test(word) || (word === 'jupyter' && servers.test(entrypoint[index + 1] ?? command[0] ?? '')),
  );
  if (startsServer) return 'entrypoint';
  const isLab = command[0] === 'jupyter-lab' || (command[0] === 'jupyter' && command[1] === 'lab');
  return isLab ? 'lab' : null;
}

/** The script of the Jupyter Docker Stacks, which runs its arguments. */
const startScripts: readonly unknown[] = ['start.sh', '/usr/local/bin/start.sh'];
/** Options of tini with a value. */
const tiniOptions: readonly unknown[] = ['-p', '-e'];

/**
 * Returns whether an entrypoint is known to run the arguments of the container as a command: there is none, or it is tini, alone or
 * with the script of the Jupyter Docker Stacks. Any other program may test or change its arguments.
 */
function runsArguments(entrypoint: unknown): boolean {
  if (entrypoint === undefined || entrypoint === null) return true;
  if (!Array.isArray(entrypoint)) return false;
  const rest: unknown[] = [...entrypoint];
  if (rest.length === 0) return true;
  if (!/^([\w./-]*\/)?tini(-static)?$/.test(String(rest.shift()))) return false;
  while (typeof rest[0] === 'string' && rest[0].startsWith('-')) {
    const option = rest.shift();
    if (option === '--') break;
    if (tiniOptions.includes(option)) rest.shift();
  }
  return rest.length === 0 || (rest.length === 1 && startScripts.includes(rest[0]));
}

/** Returns the words of a command, programs without their folders. */
const words = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'string').map((each) => each.replace(/^.*\//, '')) : [];

/** Absolute, printable and without `..`: the path is used in mounts, variables and a Jupyter configuration file. */
function isPlainPath(path: string): boolean {
  return path.length <= 1024 && /^\/[^\p{Cc}\p{Cs}"'\\$`]*$/u.test(path) && !path.split('/').includes('..');
}

/** Returns whether content matches its digest. */
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
