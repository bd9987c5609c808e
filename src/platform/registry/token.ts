import * as errors from 'jose/errors';
import { decodeJwt } from 'jose/jwt/decode';
import type { Deadline } from '../../lib/deadline.ts';
import type { OutboundHttp } from '../outbound-http/types.ts';
import { toldReason } from '../told-reason.ts';
import type { Challenge } from './challenge.ts';
import type { ImageReference } from './reference.ts';
import { type Credentials, type RegistryAccess, RegistryTrouble, statusTrouble } from './types.ts';

const maxTokenBytes = 256 * 1024;
const maxTokenLength = 16 * 1024;
/** To any public host; the caller's credentials do not go to another one. */
const maxRedirects = 10;
/** What a realm says to whom it gives no token: wrong credentials, no access, no such repository. */
const refusals = [400, 401, 403, 404];

export interface TokenRequest {
  /** What the registry answered to a request without a token. */
  challenges: readonly Challenge[];
  reference: ImageReference;
  access: RegistryAccess;
  /** null: as anybody. */
  credentials: Credentials | null;
}

/** What the realm says to a caller whom it gives no token; undefined: no more than its status. */
export interface TokenRefused {
  readonly refused: string | undefined;
}

export interface Authorization {
  readonly header: string;
  /** The token says that it is for pulling this repository: what is not found with it is not there. */
  readonly opens: boolean;
}

/**
 * An Authorization header that lets its holder pull this one repository, by the way that the registry's challenges
 * name, or why there is none for this caller: only the platform's own realm is quoted. Throws RegistryTrouble where the
 * realm fails, or where it is none that may get the credentials.
 */
export async function authorizationFor(
  { challenges, reference, access, credentials }: TokenRequest,
  http: OutboundHttp,
  deadline: Deadline,
): Promise<Authorization | TokenRefused> {
  const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
  if (!bearer) {
    const basic = challenges.some(({ scheme }) => scheme === 'basic');
    return basic && credentials ? { header: basicHeader(credentials), opens: false } : { refused: undefined };
  }
  const realm = URL.parse(bearer.parameters['realm'] ?? '');
  if (!realm) throw new RegistryTrouble(`${reference.domain} does not say where to get a token`, { passing: false });
  // A registry that anybody can run says where to go: credentials go only where the platform's own configuration
  // names the host, and a host that it names is asked as such only when its own registry says so.
  const trusted = access.configured && access.mayReceive(realm);
  if (credentials && !trusted) {
    const message = `${reference.domain} wants its callers to sign in at ${realm.host}, which is not the platform's`;
    throw new RegistryTrouble(message, { passing: false });
  }
  const service = bearer.parameters['service'];
  if (service !== undefined) realm.searchParams.set('service', service);
  realm.searchParams.set('scope', `repository:${reference.repository}:pull`);

  const response = await http.request(realm, {
    headers: { accept: 'application/json', ...(credentials ? { authorization: basicHeader(credentials) } : {}) },
    deadline,
    maxBytes: maxTokenBytes,
    redirects: maxRedirects,
    owner: access.owner,
    untrusted: !trusted,
  });
  const { host } = response.url;
  if (refusals.includes(response.status)) {
    const { status, body } = response;
    const said = credentials ? toldReason(jsonIn(body), status, credentials.password) : undefined;
    return { refused: said && `${host} says: "${said}"` };
  }
  if (response.status !== 200) throw statusTrouble(host, response.status);
  const token = tokenIn(response.body);
  if (token === undefined) {
    throw new RegistryTrouble(`${host} answered with something that is no token`, { passing: false });
  }
  // Some realms give a token to everybody, and write into it that it is for nothing.
  const said = whatItOpens(token, reference.repository);
  return said === 'nothing' ? { refused: undefined } : { header: `Bearer ${token}`, opens: said === 'this' };
}

/**
 * What the token itself says (the distribution project's token specification: a JWT with a claim `access`), so that the
 * registry need not be asked in vain. A token that says something else, or nothing readable, is to be tried.
 */
function whatItOpens(token: string, repository: string): 'this' | 'nothing' | 'unknown' {
  let access: unknown;
  try {
    ({ access } = decodeJwt(token));
  } catch (error) {
    if (error instanceof errors.JWTInvalid) return 'unknown';
    throw error;
  }
  if (!Array.isArray(access)) return 'unknown';
  const opens = access.some((grant: unknown) => {
    const { name, actions } = (grant ?? {}) as { name?: unknown; actions?: unknown };
    return name === repository && Array.isArray(actions) && (actions.includes('pull') || actions.includes('*'));
  });
  return opens ? 'this' : 'nothing';
}

function jsonIn(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function tokenIn(body: Buffer): string | undefined {
  const document = jsonIn(body);
  const { token, access_token: accessToken } = (document ?? {}) as { token?: unknown; access_token?: unknown };
  const found = token ?? accessToken;
  return typeof found === 'string' && found.length <= maxTokenLength && /^[\x21-\x7e]+$/.test(found)
    ? found
    : undefined;
}

function basicHeader({ username, password }: Credentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
