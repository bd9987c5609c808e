import { createHash } from 'node:crypto';
import { BoundedMap } from '../../lib/bounded-map.ts';
import type { Deadline } from '../../lib/deadline.ts';
import { createSingleFlightCache } from '../../lib/single-flight-cache.ts';
import { anonymousCaller } from '../caller-key.ts';
import { AddressRefused, OutboundFailure, type OutboundHttp, type OutboundResponse } from '../outbound-http/types.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import { type ImageConfig, manifestAccept, matchesDigest, readConfig, readManifest, runsSessions } from './manifest.ts';
import { type ImageReference, isDigest } from './reference.ts';
import { type Authorization, authorizationFor } from './token.ts';
import {
  type Credentials,
  failureOfStatus,
  type Inspection,
  type RegistryAccess,
  type RegistryClient,
  RegistryFailure,
} from './types.ts';

/** The limit of the distribution project for manifests. Image configurations are smaller. */
const maxDocumentBytes = 4 * 1024 * 1024;
/**
 * Registries store blobs on other hosts, and some (registry.k8s.io) redirect every request to a mirror. Docker and
 * containerd follow at most ten redirects. Other hosts do not get the credentials, and every address is checked.
 */
const maxRedirects = 10;
/** An index can list indexes; deeper nesting is not in use. */
const maxIndexDepth = 2;
/** Long enough for the launch after a check of the image; a moved tag is noticed after this time. */
const inspectionTtlMs = 30_000;
const maxInspections = 1000;

/** Milliseconds for which the challenges of the platform's registry are cached: each check needs one request less. */
const challengesTtlMs = 60_000;

/** What a registry said to one caller, and how it authenticates callers. */
interface LookupResult {
  inspection: Inspection;
  challenges: readonly Challenge[];
  /** The registry issued a token with pull access to this caller: with other credentials the result is the same. */
  hasPullAccess?: boolean;
}

interface LookupRequest {
  reference: ImageReference;
  access: RegistryAccess;
  /** null for an anonymous caller. */
  credentials: Credentials | null;
  /** Empty if they are not known. */
  challenges: readonly Challenge[];
}

/** Returns a client for image registries (OCI distribution specification 1.1, token flow of the distribution project). */
export function createRegistryClient(http: OutboundHttp, { now = Date.now } = {}): RegistryClient {
  const results = createSingleFlightCache<LookupResult>({ ttlMs: inspectionTtlMs, maxSize: maxInspections, now });
  /** Challenges by host. Only the configured registry is cached, because its challenges are the same for all images. */
  const knownChallenges = new BoundedMap<string, readonly Challenge[]>({ maxSize: 10, ttlMs: challengesTtlMs, now });

  async function lookUpAnonymously(
    reference: ImageReference,
    access: RegistryAccess,
    deadline: Deadline,
  ): Promise<LookupResult> {
    const { host } = reference;
    const known = knownChallenges.get(host);
    try {
      const challenges = known ?? [];
      const seen = await lookUp({ reference, access, credentials: null, challenges }, http, deadline);
      // Only Bearer challenges are cached: a registry with Basic credentials may serve some images without credentials.
      if (access.configured && !known && seen.challenges.some(({ scheme }) => scheme === 'bearer')) {
        knownChallenges.set(host, seen.challenges);
      }
      return seen;
    } catch (error) {
      knownChallenges.delete(host);
      throw error;
    }
  }

  return {
    async inspect(reference, access, deadline) {
      const { credentials } = access;
      const open = await results.get(keyOf(reference, null), {
        deadline,
        // A cached denial is used only if the request below can try the caller's credentials.
        isUsable: ({ inspection: { kind } }) => kind === 'image' || (kind === 'denied' && credentials !== null),
        load: (inner) => lookUpAnonymously(reference, access, inner),
      });
      const { kind } = open.inspection;
      const isHidden = kind === 'denied' || (kind === 'not-found' && open.hasPullAccess !== true);
      if (!isHidden || !credentials || open.challenges.length === 0) return open.inspection;
      const own = await results.get(keyOf(reference, credentials), {
        deadline,
        isUsable: ({ inspection: { kind } }) => kind === 'image',
        load: (inner) => lookUp({ reference, access, credentials, challenges: open.challenges }, http, inner),
      });
      // A denial without a reason adds nothing to the result of the anonymous caller.
      const addsNothing = own.inspection.kind === 'denied' && own.inspection.reason === undefined;
      return addsNothing ? open.inspection : own.inspection;
    },
  };
}

/** Returns the cache key: callers with the same key get the same result. Credentials are hashed, so that none are stored. */
function keyOf({ host, repository, target }: ImageReference, credentials: Credentials | null): string {
  const caller = credentials
    ? createHash('sha256')
        .update(JSON.stringify([credentials.username, credentials.password]))
        .digest('base64')
    : anonymousCaller;
  return `${host} ${repository} ${target} ${caller}`;
}

async function lookUp(request: LookupRequest, http: OutboundHttp, deadline: Deadline): Promise<LookupResult> {
  const { reference, access, credentials } = request;
  const base = `${access.scheme}://${reference.host}/v2/${reference.repository}`;
  let authorization: Authorization | undefined;
  const get = (path: string) =>
    http.request(`${base}${path}`, {
      target: 'registry',
      headers: { accept: manifestAccept, ...(authorization && { authorization: authorization.header }) },
      deadline,
      maxBytes: maxDocumentBytes,
      redirects: maxRedirects,
      untrusted: !access.configured,
    });
  const manifest = () => get(`/manifests/${reference.target}`);

  let { challenges } = request;
  let response: OutboundResponse | undefined;
  if (challenges.length === 0) {
    response = await manifest();
    if (response.status === 401) challenges = challengesOf(response, base);
  }
  if (!response || response.status === 401) {
    const given = await authorizationFor({ challenges, reference, access, credentials }, http, deadline);
    if ('denied' in given) return { inspection: { kind: 'denied', reason: given.denied }, challenges };
    authorization = given;
    response = await manifest();
  }
  const { status } = response;
  if (status === 404)
    return { inspection: { kind: 'not-found' }, challenges, hasPullAccess: authorization?.grantsPull ?? false };
  if (status === 401 || status === 403) return { inspection: { kind: 'denied' }, challenges };
  if (status !== 200) throw failureOfStatus(reference.domain, status);
  const described = await describe(response, request, get);
  const inspection = described.kind === 'image' ? { ...described, needsCredentials: credentials !== null } : described;
  return { inspection, challenges };
}

/** Returns the challenges of the registry itself: a redirect can lead to any host, whose challenges are ignored. */
function challengesOf({ url, headers }: OutboundResponse, base: string): readonly Challenge[] {
  return url.origin === new URL(base).origin ? parseChallenges(headers['www-authenticate'] ?? '') : [];
}

const unknownConfig: ImageConfig = { platform: null, workingDir: null, jupyter: null, runsArguments: null };

type Get = (path: string) => Promise<OutboundResponse>;

/** Follows a manifest to the configuration of the image for the platform of a session. */
async function describe(first: OutboundResponse, { reference, access }: LookupRequest, get: Get): Promise<Inspection> {
  const wrongDigest = () =>
    new RegistryFailure(`${reference.domain} sent data that does not match its digest`, {
      isTemporary: false,
    });
  if (isDigest(reference.target) && !matchesDigest(first.body, reference.target)) throw wrongDigest();

  let manifest = readManifest(first.body, first.headers['content-type']);
  let platforms: readonly string[] = [];
  for (let depth = 0; manifest.kind === 'index'; depth += 1) {
    if (depth === maxIndexDepth) {
      throw new RegistryFailure(`${reference.domain} nests image indexes too deeply`, { isTemporary: false });
    }
    if (manifest.platforms.length > 0) platforms = manifest.platforms;
    const { manifestDigest } = manifest;
    const child = await get(`/manifests/${manifestDigest}`);
    if (child.status === 404) {
      throw new RegistryFailure(`${reference.domain} lists an image that does not exist`, { isTemporary: false });
    }
    if (child.status !== 200) throw failureOfStatus(reference.domain, child.status);
    if (!matchesDigest(child.body, manifestDigest)) throw wrongDigest();
    manifest = readManifest(child.body, child.headers['content-type']);
  }
  if (manifest.kind === 'invalid') {
    throw new RegistryFailure(`${reference.domain} sent a response that is not a manifest`, { isTemporary: false });
  }
  if (manifest.kind !== 'image') return { kind: 'not-an-image' };

  const { configDigest, configType, size } = manifest;
  const blob = await configBlob(access, () => get(`/blobs/${configDigest}`));
  if (blob && !matchesDigest(blob, configDigest)) throw wrongDigest();
  const config = blob ? readConfig(blob, configType) : unknownConfig;
  if (!config) return { kind: 'not-an-image' };
  if (config.platform !== null && !runsSessions(config.platform)) return { kind: 'not-an-image' };
  if (platforms.length === 0 && config.platform !== null) platforms = [config.platform];
  const { workingDir, jupyter, runsArguments } = config;
  return { kind: 'image', needsCredentials: false, platforms, size, workingDir, jupyter, runsArguments };
}

/**
 * Returns the image configuration as it is stored, or undefined if it is not accessible. The platform's own registry may
 * store it where only the nodes of the cluster have access: the image exists nevertheless. For any other registry, a
 * failed request is an error.
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
