import type { Deadline } from '../../deadline.ts';
import { AddressRefused, OutboundFailure, type OutboundHttp, type OutboundResponse } from '../outbound-http/types.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import { manifestAccept, matchesDigest, readManifest, workingDirOf } from './manifest.ts';
import type { ImageReference } from './reference.ts';

export interface RegistryAccess {
  scheme: 'https' | 'http';
  /** The host comes from the platform's configuration and not from a user. */
  configured: boolean;
  /** Tried where the image cannot be seen without. They go to this registry and to realms that `mayReceive` says. */
  credentials: { username: string; password: string } | null;
  mayReceive: (realm: URL) => boolean;
}

export type Inspection =
  | { kind: 'image'; needsCredentials: boolean; workingDir: string | null }
  | { kind: 'not-found' }
  /** The registry does not let the caller see it; many say the same of what does not exist. */
  | { kind: 'denied' }
  /** There is something, but no container image for Linux on amd64 or arm64. */
  | { kind: 'not-an-image' };

/** The registry answered, but with nothing that can be used: overloaded, broken, or no registry at all. */
export class RegistryTrouble extends Error {
  override readonly name = 'RegistryTrouble';
}

const maxDocumentBytes = 4 * 1024 * 1024;
const maxTokenBytes = 256 * 1024;
const maxTokenLength = 16 * 1024;
/** Registries keep their blobs in an object store of another host; the credentials stay behind. */
const blobRedirects = 3;

/**
 * Looks at an image in its registry (OCI distribution specification, and the token flow that registries share): first
 * as anybody, then with the credentials. Throws RegistryTrouble, AddressRefused, OutboundFailure or DeadlineExceeded.
 */
export async function inspectImage(
  reference: ImageReference,
  access: RegistryAccess,
  http: OutboundHttp,
  deadline: Deadline,
): Promise<Inspection> {
  const base = `${access.scheme}://${reference.host}/v2/${reference.repository}`;
  const untrusted = !access.configured;
  const get = (path: string, authorization: string | undefined, redirects: 'same-host' | number = 'same-host') =>
    http.request(`${base}${path}`, {
      headers: { accept: manifestAccept, ...(authorization === undefined ? {} : { authorization }) },
      deadline,
      maxBytes: maxDocumentBytes,
      redirects,
      untrusted,
    });

  const seen = await firstThatMaySee(reference, access, http, deadline, (authorization) =>
    get(`/manifests/${reference.target}`, authorization),
  );
  const { response, authorization, withCredentials } = seen;
  if (response.status === 404) return { kind: 'not-found' };
  if (response.status === 401 || response.status === 403) return { kind: 'denied' };
  if (response.status !== 200) throw new RegistryTrouble(`${reference.domain} answered with status ${response.status}`);

  let manifest = readManifest(response.body, response.headers['content-type']);
  if (manifest.kind === 'index') {
    const digest = manifest.manifestDigest;
    const child = await get(`/manifests/${digest}`, authorization);
    if (child.status !== 200 || !matchesDigest(child.body, digest)) {
      throw new RegistryTrouble(`${reference.domain} lists an image that it cannot show`);
    }
    manifest = readManifest(child.body, child.headers['content-type']);
  }
  if (manifest.kind !== 'image') return { kind: 'not-an-image' };
  const { configDigest } = manifest;
  const workingDir = await workingDirFrom(configDigest, () =>
    get(`/blobs/${configDigest}`, authorization, blobRedirects),
  );
  return { kind: 'image', needsCredentials: withCredentials, workingDir };
}

/** The image is there whether or not its configuration can be read: what cannot be read is not said. */
async function workingDirFrom(digest: string, getBlob: () => Promise<OutboundResponse>): Promise<string | null> {
  try {
    const { status, body } = await getBlob();
    return status === 200 && matchesDigest(body, digest) ? workingDirOf(body) : null;
  } catch (error) {
    if (error instanceof OutboundFailure || error instanceof AddressRefused) return null;
    throw error;
  }
}

interface Seen {
  response: OutboundResponse;
  authorization: string | undefined;
  withCredentials: boolean;
}

async function firstThatMaySee(
  reference: ImageReference,
  access: RegistryAccess,
  http: OutboundHttp,
  deadline: Deadline,
  ask: (authorization: string | undefined) => Promise<OutboundResponse>,
): Promise<Seen> {
  const first: Seen = { response: await ask(undefined), authorization: undefined, withCredentials: false };
  if (first.response.status !== 401) return first;
  const challenges = parseChallenges(first.response.headers['www-authenticate'] ?? '');
  const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
  const fetchToken = (credentials: RegistryAccess['credentials']) =>
    bearer ? bearerToken(bearer, reference, access, credentials, http, deadline) : Promise.resolve(undefined);

  const anonymous = await fetchToken(null);
  const public_ = anonymous ? { ...first, response: await ask(anonymous), authorization: anonymous } : first;
  if (![401, 403, 404].includes(public_.response.status) || !access.credentials) return public_;

  const basic = challenges.some(({ scheme }) => scheme === 'basic');
  const private_ = bearer ? await fetchToken(access.credentials) : basic ? basicHeader(access.credentials) : undefined;
  if (private_ === undefined) return public_;
  return { response: await ask(private_), authorization: private_, withCredentials: true };
}

/** An Authorization header with a token for pulling this one repository; undefined where the realm gives none. */
async function bearerToken(
  challenge: Challenge,
  reference: ImageReference,
  access: RegistryAccess,
  credentials: RegistryAccess['credentials'],
  http: OutboundHttp,
  deadline: Deadline,
): Promise<string | undefined> {
  const realm = URL.parse(challenge.parameters['realm'] ?? '');
  if (!realm) return undefined;
  // A registry that anybody can run says where to go: credentials go only where the platform's own configuration
  // names the host, and a host that it names is asked only when its own registry says so.
  const trusted = access.configured && access.mayReceive(realm);
  if (credentials && !trusted) return undefined;
  const service = challenge.parameters['service'];
  if (service !== undefined) realm.searchParams.set('service', service);
  realm.searchParams.set('scope', `repository:${reference.repository}:pull`);

  const response = await http.request(realm, {
    headers: { accept: 'application/json', ...(credentials ? { authorization: basicHeader(credentials) } : {}) },
    deadline,
    maxBytes: maxTokenBytes,
    redirects: 'none',
    untrusted: !trusted,
  });
  if (response.status !== 200) return undefined;
  const token = tokenIn(response.body);
  return token === undefined ? undefined : `Bearer ${token}`;
}

function tokenIn(body: Buffer): string | undefined {
  let document: unknown;
  try {
    document = JSON.parse(body.toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const { token, access_token: accessToken } = (document ?? {}) as { token?: unknown; access_token?: unknown };
  const found = token ?? accessToken;
  return typeof found === 'string' && found.length <= maxTokenLength && /^[\x21-\x7e]+$/.test(found)
    ? found
    : undefined;
}

function basicHeader({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
