import { createHmac } from 'node:crypto';
import { jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { agentSecretId, deriveAgentKey, findAgentKey } from './agent-key.ts';
import { createAgentToken, isAgentResponse, signAgentResponse, verifyAgentToken } from './agent-token.ts';

const secret = 'a secret of the platform, 32 characters or more';
const uid = '5b0d9f0e-6f5c-4f0e-9d62-3b9c1f4b5a11';
const key = deriveAgentKey(secret, uid);
const now = Date.parse('2026-01-01T12:00:00Z');

describe('the key of an agent', () => {
  it('differs between sessions and between secrets, and is found again by the id of its secret', () => {
    expect(key).toHaveLength(32);
    expect(deriveAgentKey(secret, `${uid}x`)).not.toEqual(key);
    expect(deriveAgentKey(`${secret}x`, uid)).not.toEqual(key);
    expect(findAgentKey(['a newer secret', secret], agentSecretId(secret), uid)).toEqual(key);
    expect(findAgentKey(['a newer secret'], agentSecretId(secret), uid)).toBeUndefined();
  });
});

describe('a token for an agent', () => {
  it('is accepted by the agent of this session for 60 seconds, with its scope', () => {
    const { token, nonce } = createAgentToken(key, uid, 'save', now);
    expect(verifyAgentToken(key, uid, token, now)).toEqual({ scope: 'save', nonce });
    expect(verifyAgentToken(key, uid, token, now + 60_000)).toBeDefined();
    // 30 s: clocks of two machines may differ.
    expect(verifyAgentToken(key, uid, token, now - 29_000)).toBeDefined();
    expect(verifyAgentToken(key, uid, token, now + 91_000)).toBeUndefined();
    expect(verifyAgentToken(key, uid, token, now - 31_000)).toBeUndefined();
    expect(verifyAgentToken(key, 'another uid', token, now)).toBeUndefined();
    expect(verifyAgentToken(deriveAgentKey(secret, 'x'), uid, token, now)).toBeUndefined();
  });

  it('is a JSON Web Token that other programs can verify', async () => {
    const { token, nonce } = createAgentToken(key, uid, 'read', now);
    const { payload } = await jwtVerify(token, key, { audience: uid, currentDate: new Date(now) });
    expect(payload).toMatchObject({ scope: 'read', jti: nonce });
  });

  it('is rejected if anything in it was changed', () => {
    const { token } = createAgentToken(key, uid, 'read', now);
    const parts = token.split('.');
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
    const saved = Buffer.from(JSON.stringify({ aud: uid, scope: 'save', jti: 'x', iat: 0, exp: 9e9 })).toString(
      'base64url',
    );
    const longLived = `${parts[0]}.${saved}`;
    const forged = [
      `${none}.${parts[1]}.`,
      `${none}.${parts[1]}.${parts[2]}`,
      `${parts[0]}.${saved}.${parts[2]}`,
      // Correctly signed, but valid for years.
      `${longLived}.${createHmac('sha256', key).update(longLived).digest('base64url')}`,
      `${token}.x`,
      `${token.slice(0, -1)}`,
      '',
      '..',
      'x'.repeat(10_000),
    ];
    for (const each of forged) expect(verifyAgentToken(key, uid, each, now), each).toBeUndefined();
  });
});

describe('a response of an agent', () => {
  it('is accepted only with the nonce of the request, the status and the body that were signed', () => {
    const signature = signAgentResponse(key, 'nonce', 200, '{"isClean":true}');
    const response = { status: 200, body: '{"isClean":true}', signature };
    expect(isAgentResponse(key, 'nonce', response)).toBe(true);
    expect(isAgentResponse(key, 'other', response)).toBe(false);
    expect(isAgentResponse(key, 'nonce', { ...response, status: 202 })).toBe(false);
    expect(isAgentResponse(key, 'nonce', { ...response, body: '{"isClean":false}' })).toBe(false);
    expect(isAgentResponse(key, 'nonce', { ...response, signature: '' })).toBe(false);
  });
});
