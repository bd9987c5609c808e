import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { asObject, parseJson } from '../lib/json.ts';

/**
 * Tokens for the agent of a session, and signatures of its responses (agent.openapi.yaml). The tokens are JSON Web Tokens (RFC 7519)
 * with HS256. They are written and read here and not by a library, because the image of the session
 * tools has no package for them.
 */

export type AgentScope = 'read' | 'save' | 'discard' | 'tokens' | 'kernels' | 'sync';

export interface AgentToken {
  readonly scope: AgentScope;
  /** Random; part of the signature of the response. */
  readonly nonce: string;
}

/** Seconds after which a token expires. */
const lifetime = 60;
/** Seconds by which the clocks of two machines may differ. */
const leeway = 30;
/** Milliseconds in which a token is valid at most, on all clocks. */
export const agentTokenMs = (lifetime + 2 * leeway) * 1000;
const header = encode({ alg: 'HS256', typ: 'JWT' });
/** Longer tokens are rejected before they are parsed. */
const maxLength = 1_000;

/**
 * Returns a new token and its nonce.
 * @param audience uid of the JupyterServer
 * @param now milliseconds since the epoch
 */
export function createAgentToken(
  key: Buffer,
  audience: string,
  scope: AgentScope,
  now: number,
): { token: string; nonce: string } {
  const nonce = randomBytes(16).toString('base64url');
  const issued = Math.floor(now / 1000);
  const signed = `${header}.${encode({ aud: audience, scope, jti: nonce, iat: issued, exp: issued + lifetime })}`;
  return { token: `${signed}.${sign(key, signed)}`, nonce };
}

/**
 * Returns the content of a token; undefined if the token is invalid or has expired.
 * @param now milliseconds since the epoch
 */
export function verifyAgentToken(key: Buffer, audience: string, token: string, now: number): AgentToken | undefined {
  if (token.length > maxLength) return undefined;
  const [head, payload, signature, ...others] = token.split('.');
  if (head !== header || !payload || !signature || others.length > 0) return undefined;
  if (!isEqual(signature, sign(key, `${head}.${payload}`))) return undefined;
  const { aud, scope, jti, iat, exp } = asObject(parseJson(Buffer.from(payload, 'base64url').toString())) ?? {};
  const seconds = now / 1000;
  if (aud !== audience || typeof jti !== 'string' || typeof iat !== 'number' || typeof exp !== 'number')
    return undefined;
  if (seconds > exp + leeway || seconds < iat - leeway || exp - iat > lifetime) return undefined;
  const known = scopes.find((each) => each === scope);
  return known && { scope: known, nonce: jti };
}

const scopes: readonly AgentScope[] = ['read', 'save', 'discard', 'tokens', 'kernels', 'sync'];

/** Returns the value of the header `Agent-Signature` for a response to the token with this nonce. */
export const signAgentResponse = (key: Buffer, nonce: string, status: number, body: string | Buffer): string =>
  createHmac('sha256', key).update(`${nonce}\n${status}\n`).update(body).digest('base64url');

/** Returns whether the agent with this key has sent the response. */
export const isAgentResponse = (
  key: Buffer,
  nonce: string,
  { status, body, signature }: { status: number; body: string | Buffer; signature: string },
): boolean => isEqual(signature, signAgentResponse(key, nonce, status, body));

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

const sign = (key: Buffer, text: string): string => createHmac('sha256', key).update(text).digest('base64url');

function isEqual(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
