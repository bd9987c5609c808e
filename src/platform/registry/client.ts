import { createHash } from 'node:crypto';
import type { Deadline } from '../../lib/deadline.ts';
import { createSingleFlightCache } from '../../lib/single-flight-cache.ts';
import { AddressRefused, OutboundFailure, type OutboundHttp, type OutboundResponse } from '../outbound-http/types.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import { type ImageConfig, manifestAccept, matchesDigest, readConfig, readManifest, runsSessions } from './manifest.ts';
import { type ImageReference, isDigest } from './reference.ts';
import { type Authorization, authorizationFor } from './token.ts';
import {
  type Credentials,
  type Inspection,
  type RegistryAccess,
  type RegistryClient,
  RegistryTrouble,
  statusTrouble,
} from './types.ts';

/** The limit of the distribution project for manifests; configurations are smaller. */
const maxDocumentBytes = 4 * 1024 * 1024;
/**
 * Registries keep blobs in object stores of other hosts, and some (registry.k8s.io) send every request on to a mirror.
 * Docker and containerd follow, ten times at the most. The credentials stay behind, and each address is checked.
 */
const maxRedirects = 10;
/** An index may list indexes. Nobody does so deeper than this. */
const maxIndexDepth = 2;
/** A launch asks right after somebody looked; a tag that moves is seen half a minute later. */
const inspectionTtlMs = 30_000;
const maxInspections = 1000;

/** For how long the platform's own registry is taken to want tokens as it last said: one question less each time. */
const sameWayMs = 60_000;

/** What one caller saw: the inspection, and how the registry wants to be asked. */
interface Look {
  inspection: Inspection;
  challenges: readonly Challenge[];
  /** The registry had nothing to hide from this caller: for nobody it would be another answer. */
  isOpen?: boolean;
}

interface Asked {
  reference: ImageReference;
  access: RegistryAccess;
  /** null: as anybody. */
  credentials: Credentials | null;
  /** As far as they are known. */
  challenges: readonly Challenge[];
}

/** Images in registries: OCI distribution specification 1.1, and the token flow that registries share. */
export function createRegistryClient(http: OutboundHttp, { now = Date.now } = {}): RegistryClient {
  const looks = createSingleFlightCache<Look>({ ttlMs: inspectionTtlMs, maxSize: maxInspections, now });
  /** By host: only of the one that is configured, which asks for all its images in the same way. */
  const ways = new Map<string, { challenges: readonly Challenge[]; until: number }>();

  async function lookOpenly(reference: ImageReference, access: RegistryAccess, deadline: Deadline): Promise<Look> {
    const { host } = reference;
    const way = ways.get(host);
    const known = way !== undefined && way.until > now();
    try {
      const challenges = known ? way.challenges : [];
      const seen = await look({ reference, access, credentials: null, challenges }, http, deadline);
      // Only for tokens: a registry with Basic credentials may serve some images without them.
      if (access.configured && !known && seen.challenges.some(({ scheme }) => scheme === 'bearer')) {
        ways.set(host, { challenges: seen.challenges, until: now() + sameWayMs });
      }
      return seen;
    } catch (error) {
      ways.delete(host);
      throw error;
    }
  }

  return {
    async inspect(reference, access, deadline) {
      const { credentials } = access;
      const open = await looks.get(keyOf(reference, null), {
        deadline,
        // What nobody may see can still be seen with credentials; for others the answer may change any moment.
        isUsable: ({ inspection: { kind } }) => kind === 'image' || (kind === 'denied' && credentials !== null),
        load: (inner) => lookOpenly(reference, access, inner),
      });
      const { kind } = open.inspection;
      const hidden = kind === 'denied' || (kind === 'not-found' && open.isOpen !== true);
      if (!hidden || !credentials || open.challenges.length === 0) return open.inspection;
      const own = await looks.get(keyOf(reference, credentials), {
        deadline,
        isUsable: ({ inspection: { kind } }) => kind === 'image',
        load: (inner) => look({ reference, access, credentials, challenges: open.challenges }, http, inner),
      });
      // Where the image is not public, a refusal without a reason says nothing new.
      const refusedAsEverybody = own.inspection.kind === 'denied' && own.inspection.reason === undefined;
      return refusedAsEverybody ? open.inspection : own.inspection;
    },
  };
}

/** Whoever has the same key may see the same answer. The credentials are hashed: they are nothing to keep. */
function keyOf({ host, repository, target }: ImageReference, credentials: Credentials | null): string {
  const who = credentials
    ? createHash('sha256')
        .update(JSON.stringify([credentials.username, credentials.password]))
        .digest('base64')
    : 'anybody';
  return `${host} ${repository} ${target} ${who}`;
}

async function look(asked: Asked, http: OutboundHttp, deadline: Deadline): Promise<Look> {
  const { reference, access, credentials } = asked;
  const base = `${access.scheme}://${reference.host}/v2/${reference.repository}`;
  let authorization: Authorization | undefined;
  const get = (path: string) =>
    http.request(`${base}${path}`, {
      headers: { accept: manifestAccept, ...(authorization && { authorization: authorization.header }) },
      deadline,
      maxBytes: maxDocumentBytes,
      redirects: maxRedirects,
      untrusted: !access.configured,
      owner: access.owner,
    });
  const manifest = () => get(`/manifests/${reference.target}`);

  let { challenges } = asked;
  let response: OutboundResponse | undefined;
  if (challenges.length === 0) {
    response = await manifest();
    if (response.status === 401) challenges = challengesOf(response, base);
  }
  if (!response || response.status === 401) {
    const given = await authorizationFor({ challenges, reference, access, credentials }, http, deadline);
    if ('refused' in given) return { inspection: { kind: 'denied', reason: given.refused }, challenges };
    authorization = given;
    response = await manifest();
  }
  const { status } = response;
  if (status === 404) return { inspection: { kind: 'not-found' }, challenges, isOpen: authorization?.opens ?? false };
  if (status === 401 || status === 403) return { inspection: { kind: 'denied' }, challenges };
  if (status !== 200) throw statusTrouble(reference.domain, status);
  const described = await describe(response, asked, get);
  const inspection = described.kind === 'image' ? { ...described, needsCredentials: credentials !== null } : described;
  return { inspection, challenges };
}

/** Only the registry itself says how to sign in: a host that it redirects to may be any host. */
function challengesOf({ url, headers }: OutboundResponse, base: string): readonly Challenge[] {
  return url.origin === new URL(base).origin ? parseChallenges(headers['www-authenticate'] ?? '') : [];
}

type Get = (path: string) => Promise<OutboundResponse>;

/** Follows a manifest to the configuration of the image that a session would get. */
async function describe(first: OutboundResponse, { reference, access }: Asked, get: Get): Promise<Inspection> {
  const lie = () =>
    new RegistryTrouble(`${reference.domain} answered with something else than what its digest promises`, {
      passing: false,
    });
  if (isDigest(reference.target) && !matchesDigest(first.body, reference.target)) throw lie();

  let manifest = readManifest(first.body, first.headers['content-type']);
  let platforms: readonly string[] = [];
  for (let depth = 0; manifest.kind === 'index'; depth += 1) {
    if (depth === maxIndexDepth) {
      throw new RegistryTrouble(`${reference.domain} nests its lists of images too deeply`, { passing: false });
    }
    if (manifest.platforms.length > 0) platforms = manifest.platforms;
    const { manifestDigest } = manifest;
    const child = await get(`/manifests/${manifestDigest}`);
    if (child.status === 404) {
      throw new RegistryTrouble(`${reference.domain} lists an image that it does not have`, { passing: false });
    }
    if (child.status !== 200) throw statusTrouble(reference.domain, child.status);
    if (!matchesDigest(child.body, manifestDigest)) throw lie();
    manifest = readManifest(child.body, child.headers['content-type']);
  }
  if (manifest.kind === 'nonsense') {
    throw new RegistryTrouble(`${reference.domain} answered with something that is no manifest`, { passing: false });
  }
  if (manifest.kind !== 'image') return { kind: 'not-an-image' };

  const { configDigest, configType, size } = manifest;
  const blob = await configBlob(access, () => get(`/blobs/${configDigest}`));
  if (blob && !matchesDigest(blob, configDigest)) throw lie();
  const config: ImageConfig | undefined = blob ? readConfig(blob, configType) : { platform: null, workingDir: null };
  if (!config) return { kind: 'not-an-image' };
  if (config.platform !== null && !runsSessions(config.platform)) return { kind: 'not-an-image' };
  if (platforms.length === 0 && config.platform !== null) platforms = [config.platform];
  return { kind: 'image', needsCredentials: false, platforms, size, workingDir: config.workingDir };
}

/**
 * The configuration as it is stored; undefined where it cannot be had. The platform's own registry may keep it where
 * only the cluster's nodes can go: its image is there all the same. From a stranger, that is the stranger's trouble.
 */
async function configBlob(
  { configured }: RegistryAccess,
  get: () => Promise<OutboundResponse>,
): Promise<Buffer | undefined> {
  try {
    const { status, body } = await get();
    return status === 200 ? body : undefined;
  } catch (error) {
    if (configured && (error instanceof OutboundFailure || error instanceof AddressRefused)) return undefined;
    throw error;
  }
}
