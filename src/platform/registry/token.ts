import * as errors from 'jose/errors';
import { decodeJwt } from 'jose/jwt/decode';
import type { Deadline } from '../../lib/deadline.ts';
import { asObject, parseJson } from '../../lib/json.ts';
import type { OutboundHttp } from '../outbound-http/types.ts';
import { serverMessage } from '../server-message.ts';
import type { Challenge } from './challenge.ts';
import type { ImageReference } from './reference.ts';
import { type Credentials, failureOfStatus, type RegistryAccess, RegistryFailure } from './types.ts';

const maxTokenBytes = 256 * 1024;
const maxTokenLength = 16 * 1024;
/** To any public host; other hosts do not get the credentials. */
const maxRedirects = 10;
/** Statuses of a realm that issues no token: wrong credentials, no access, no such repository. */
const denials = [400, 401, 403, 404];

export interface TokenRequest {
  /** The challenges of the registry to a request without a token. */
  challenges: readonly Challenge[];
  reference: ImageReference;
  access: RegistryAccess;
  /** null for an anonymous caller. */
  credentials: Credentials | null;
}

/** The realm issues no token for this caller. */
export interface TokenDenied {
  /** A sentence with the realm's own reason; undefined if it gives none. */
  readonly denied: string | undefined;
}

export interface Authorization {
  readonly header: string;
  /** The token grants access to this repository: an image that is not found with it does not exist. */
  readonly grantsPull: boolean;
}

/**
 * Returns an Authorization header for pulling from this repository, by the scheme of the registry's challenges, or the
 * reason of the platform's realm for issuing no token. Throws RegistryFailure if the realm fails, or if the registry names
 * a realm that may not get the credentials.
 */
export async function authorizationFor(
  { challenges, reference, access, credentials }: TokenRequest,
  http: OutboundHttp,
  deadline: Deadline,
): Promise<Authorization | TokenDenied> {
  const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
  if (!bearer) {
    const basic = challenges.some(({ scheme }) => scheme === 'basic');
    return basic && credentials ? { header: basicHeader(credentials), grantsPull: false } : { denied: undefined };
  }
  const realm = URL.parse(bearer.parameters['realm'] ?? '');
  if (!realm)
    throw new RegistryFailure(`${reference.domain} does not name a realm that issues tokens`, { isTemporary: false });
  // Any host can be a registry and name any realm: only hosts of the platform's configuration get the credentials, and
  // only the platform's own registry can name a realm that is exempt from the address check.
  const trusted = access.configured && access.mayReceive(realm);
  if (credentials && !trusted) {
    const message = `${reference.domain} sends its callers to ${realm.host} for a token, which is not a host of the platform`;
    throw new RegistryFailure(message, { isTemporary: false });
  }
  const service = bearer.parameters['service'];
  if (service !== undefined) realm.searchParams.set('service', service);
  realm.searchParams.set('scope', `repository:${reference.repository}:pull`);

  const response = await http.request(realm, {
    target: 'registry',
    headers: { accept: 'application/json', ...(credentials ? { authorization: basicHeader(credentials) } : {}) },
    deadline,
    maxBytes: maxTokenBytes,
    redirects: maxRedirects,
    untrusted: !trusted,
  });
  const { host } = response.url;
  if (denials.includes(response.status)) {
    const { status, body } = response;
    const message = credentials ? serverMessage(parseJson(String(body)), status, credentials.password) : undefined;
    return { denied: message && `${host} says: "${message}"` };
  }
  if (response.status !== 200) throw failureOfStatus(host, response.status);
  const token = tokenIn(response.body);
  if (token === undefined) {
    throw new RegistryFailure(`${host} sent a response without a valid token`, { isTemporary: false });
  }
  // Some realms issue a token without any grant to every caller.
  const grant = grantOf(token, reference.repository);
  return grant === 'none' ? { denied: undefined } : { header: `Bearer ${token}`, grantsPull: grant === 'pull' };
}

/**
 * Returns what a token grants for a repository by its claim `access` (token specification of the distribution project).
 * Saves a request with a token that grants nothing. A token without a readable claim is `unknown` and must be tried.
 */
function grantOf(token: string, repository: string): 'pull' | 'none' | 'unknown' {
  let access: unknown;
  try {
    ({ access } = decodeJwt(token));
  } catch (error) {
    if (error instanceof errors.JWTInvalid) return 'unknown';
    throw error;
  }
  if (!Array.isArray(access)) return 'unknown';
  const grantsPull = access.some((grant: unknown) => {
    const { name, actions } = asObject(grant) ?? {};
    return name === repository && Array.isArray(actions) && (actions.includes('pull') || actions.includes('*'));
  });
  return grantsPull ? 'pull' : 'none';
}

function tokenIn(body: Buffer): string | undefined {
  const { token, access_token: accessToken } = asObject(parseJson(String(body))) ?? {};
  const found = token ?? accessToken;
  return typeof found === 'string' && found.length <= maxTokenLength && /^[\x21-\x7e]+$/.test(found)
    ? found
    : undefined;
}

function basicHeader({ username, password }: Credentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
