import type { JWTPayload } from 'jose';
import * as errors from 'jose/errors';
import { createRemoteJWKSet, customFetch } from 'jose/jwks/remote';
import { decodeJwt } from 'jose/jwt/decode';
import { jwtVerify } from 'jose/jwt/verify';
import type { Config } from '../config/types.ts';
import { ApiError, errorKind } from '../errors.ts';
import { Deadline, DeadlineExceeded, untilDeadline } from '../lib/deadline.ts';
import type { OutboundHttp } from '../platform/outbound-http/types.ts';
import { header, unauthenticated } from './refusal.ts';

/** Asymmetric algorithms only: never `none`, never a shared secret. */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
/** Maximum difference between the clocks of the gateway and the service. */
const clockToleranceSeconds = 10;
const maxKeySetBytes = 256 * 1024;
const keySetTimeoutMs = 4_000;

export interface TokenReading {
  readonly payload: JWTPayload;
  /** Milliseconds since the epoch: until then, reading the token gives the same result. */
  readonly expiresAt: number;
}

/**
 * Returns the claims of a token, verified if the gateway is `verified`. Throws ApiError 1401, or 3000 if the keys cannot be
 * fetched.
 */
export type ReadIdToken = (token: string, deadline: Deadline) => Promise<TokenReading>;

/** Returns the reader of ID tokens. `http` fetches the keys of the issuer and must exempt the host of `jwks_url`. */
export function createIdTokenReader(identity: Config['identity'], http: OutboundHttp): ReadIdToken {
  return identity.gateway === 'verified' ? createVerifier(identity, http) : async (token) => decoded(token);
}

function decoded(token: string): TokenReading {
  try {
    const payload = decodeJwt(token);
    // As in the original service, a trusted gateway may send an expired token, which then has no further end.
    const expiresAt = typeof payload.exp === 'number' ? payload.exp * 1000 : 0;
    return { payload, expiresAt: expiresAt > Date.now() ? expiresAt : Number.POSITIVE_INFINITY };
  } catch (cause) {
    throw notAToken(cause);
  }
}

function createVerifier({ jwks_url, issuer, audience }: Config['identity'], http: OutboundHttp): ReadIdToken {
  if (jwks_url === null || issuer === null || audience === null) {
    throw new Error('identity.gateway: verified requires jwks_url, issuer and audience');
  }
  const keys = createRemoteJWKSet(new URL(jwks_url), {
    timeoutDuration: keySetTimeoutMs,
    [customFetch]: (url) => fetchKeySet(url, http),
  });

  return async (token, deadline) => {
    // Callers share the fetch of the keys, so the deadline of one caller must end its wait only, not the fetch.
    const { payload } = await untilDeadline(
      jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms,
        clockTolerance: clockToleranceSeconds,
        requiredClaims: ['exp', 'sub'],
      }),
      deadline,
      'checking the ID token',
    ).catch((error: unknown) => {
      throw translate(error);
    });
    return { payload, expiresAt: ((payload.exp ?? 0) + clockToleranceSeconds) * 1000 };
  };
}

class KeySetUnavailable extends Error {
  override readonly name = 'KeySetUnavailable';
}

/** Throws KeySetUnavailable for any response other than a 200 with JSON; redirects are not followed. */
async function fetchKeySet(url: string, http: OutboundHttp): Promise<Response> {
  try {
    const deadline = Deadline.after(keySetTimeoutMs);
    const headers = { accept: 'application/json' };
    const { status, body } = await http.request(url, {
      target: 'identity-provider',
      deadline,
      headers,
      maxBytes: maxKeySetBytes,
    });
    if (status !== 200) throw new Error(`the request for the key set was answered with ${status}`);
    return Response.json(JSON.parse(body.toString('utf8')));
  } catch (cause) {
    throw new KeySetUnavailable('the key set cannot be fetched', { cause });
  }
}

function translate(error: unknown): Error {
  if (error instanceof DeadlineExceeded) return error;
  const path = `header.${header.idToken}`;
  const reject = (message: string, field: string, what: string) =>
    unauthenticated(message, { detail: 'Sign in again.', fields: [{ path: field, message: what }], cause: error });

  if (error instanceof errors.JWTExpired) return reject('The ID token has expired.', `${path}.exp`, 'is in the past');
  if (error instanceof errors.JWTClaimValidationFailed) {
    const what = error.reason === 'missing' ? 'is missing' : 'is not accepted by this service';
    return reject('The ID token is not for this service.', `${path}.${error.claim}`, what);
  }
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return reject(
      'The ID token is signed with an algorithm that this service does not accept.',
      path,
      'has no accepted signature algorithm',
    );
  }
  if (
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  ) {
    return reject('The ID token was not signed by the platform.', path, 'is not signed with a key of the issuer');
  }
  if (
    error instanceof KeySetUnavailable ||
    error instanceof errors.JWKSInvalid ||
    error instanceof errors.JWKSTimeout ||
    error instanceof errors.JWKInvalid
  ) {
    const message = 'The keys of the identity provider are temporarily unavailable, so sign-ins cannot be verified.';
    return new ApiError(errorKind.intermittent, message, { cause: error });
  }
  if (error instanceof errors.JOSEError) return notAToken(error);
  return error instanceof Error ? error : new Error('checking the ID token failed', { cause: error });
}

function notAToken(cause: unknown): ApiError {
  return unauthenticated('The ID token cannot be read.', {
    detail: 'Sign in again.',
    fields: [{ path: `header.${header.idToken}`, message: 'is not a JSON Web Token' }],
    cause,
  });
}
