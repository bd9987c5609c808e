import type { JWTPayload } from 'jose';
import * as errors from 'jose/errors';
import { createRemoteJWKSet, customFetch } from 'jose/jwks/remote';
import { decodeJwt } from 'jose/jwt/decode';
import { jwtVerify } from 'jose/jwt/verify';
import type { Config } from '../config/types.ts';
import { ApiError, errorKind } from '../errors.ts';
import { type Deadline, DeadlineExceeded, untilDeadline } from '../lib/deadline.ts';
import { header, refused } from './refusal.ts';

/** Signatures made with a key that only the issuer has; never `none`, never a shared secret. */
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
/** Clocks of gateway and service may differ by this. */
const clockToleranceSeconds = 10;
const maxKeySetBytes = 256 * 1024;
const keySetTimeoutMs = 4_000;
export interface TokenReading {
  readonly payload: JWTPayload;
  /** Milliseconds since the epoch; until then the same token says the same. */
  readonly expiresAt: number;
}

/** What a token says, once it is known to be true (or is believed). Throws ApiError 1401, or 3000 without keys. */
export type ReadIdToken = (token: string, deadline: Deadline) => Promise<TokenReading>;

export function createIdTokenReader(identity: Config['identity']): ReadIdToken {
  return identity.gateway === 'verified' ? createVerifier(identity) : async (token) => decoded(token);
}

function decoded(token: string): TokenReading {
  try {
    return { payload: decodeJwt(token), expiresAt: Number.POSITIVE_INFINITY };
  } catch (cause) {
    throw notAToken(cause);
  }
}

function createVerifier({ jwks_url, issuer, audience }: Config['identity']): ReadIdToken {
  if (jwks_url === null || issuer === null || audience === null) {
    throw new Error('identity.gateway verified needs jwks_url, issuer and audience');
  }
  const keys = createRemoteJWKSet(new URL(jwks_url), {
    timeoutDuration: keySetTimeoutMs,
    [customFetch]: fetchKeySet,
  });

  return async (token, deadline) => {
    // One caller's deadline must not end a fetch of the keys that others wait for, too: it only ends the waiting.
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
      throw explained(error);
    });
    return { payload, expiresAt: ((payload.exp ?? 0) + clockToleranceSeconds) * 1000 };
  };
}

class KeySetUnavailable extends Error {
  override readonly name = 'KeySetUnavailable';
}

/** Throws KeySetUnavailable for anything but a small 200 with JSON. Redirects are answers like any other. */
async function fetchKeySet(url: string, options: RequestInit): Promise<Response> {
  try {
    const response = await fetch(url, options);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.byteLength;
      if (size > maxKeySetBytes) throw new Error(`the key set is larger than ${maxKeySetBytes} bytes`);
      chunks.push(chunk);
    }
    if (response.status !== 200) throw new Error(`the key set was answered with ${response.status}`);
    return Response.json(JSON.parse(Buffer.concat(chunks).toString('utf8')));
  } catch (cause) {
    throw new KeySetUnavailable('the key set cannot be fetched', { cause });
  }
}

function explained(error: unknown): Error {
  if (error instanceof DeadlineExceeded) return error;
  const path = `header.${header.idToken}`;
  const refuse = (message: string, field: string, what: string) =>
    refused(message, { detail: 'Sign in again.', fields: [{ path: field, message: what }], cause: error });

  if (error instanceof errors.JWTExpired) return refuse('The ID token has expired.', `${path}.exp`, 'is in the past');
  if (error instanceof errors.JWTClaimValidationFailed) {
    const what = error.reason === 'missing' ? 'is missing' : 'is not what this service accepts';
    return refuse('The ID token is not for this service.', `${path}.${error.claim}`, what);
  }
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return refuse(
      'The ID token is not signed in a way that this service accepts.',
      path,
      'has no acceptable signature',
    );
  }
  if (
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  ) {
    return refuse('The ID token was not signed by the platform.', path, 'has a signature that is not the issuer’s');
  }
  if (
    error instanceof KeySetUnavailable ||
    error instanceof errors.JWKSInvalid ||
    error instanceof errors.JWKSTimeout ||
    error instanceof errors.JWKInvalid
  ) {
    return new ApiError(
      errorKind.intermittent,
      'The identity provider does not give its keys, so nobody can be recognised.',
      {
        cause: error,
        retryAfterSeconds: 5,
      },
    );
  }
  if (error instanceof errors.JOSEError) return notAToken(error);
  return error instanceof Error ? error : new Error('checking the ID token failed', { cause: error });
}

function notAToken(cause: unknown): ApiError {
  return refused('The ID token cannot be read.', {
    detail: 'Sign in again.',
    fields: [{ path: `header.${header.idToken}`, message: 'is not a JSON Web Token' }],
    cause,
  });
}
