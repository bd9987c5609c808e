import type { IncomingMessage, ServerResponse } from 'node:http';
import { isObject, parseJson } from '../../lib/json.ts';
import { readBody } from '../../lib/request-body.ts';
import { respond } from './respond.ts';
import type { TokenStore, UserTokens } from './tokens.ts';

const maxBytes = 64 * 1024;

/** Replaces the tokens in memory: `PUT /tokens` with the schema `Tokens` of agent.openapi.yaml. */
export async function putTokens(req: IncomingMessage, res: ServerResponse, tokens: TokenStore): Promise<void> {
  const body = await readBody(req, maxBytes);
  if (!body) {
    respond(res, 413, `The body is longer than ${maxBytes} bytes.`);
    return;
  }
  const given = readTokens(parseJson(body.toString()));
  if (!given) {
    respond(res, 422, 'The body must have gitToken, gitTokenExpiresAt, and optionally accessToken and refreshToken.');
    return;
  }
  tokens.replace(given);
  res.writeHead(204).end();
}

function readTokens(value: unknown): Partial<UserTokens> | undefined {
  if (!isObject(value)) return undefined;
  const { gitToken, gitTokenExpiresAt, accessToken, refreshToken } = value;
  if (!isToken(gitToken) || !Number.isSafeInteger(gitTokenExpiresAt) || typeof gitTokenExpiresAt !== 'number')
    return undefined;
  if (![accessToken, refreshToken].every((each) => each === undefined || isToken(each))) return undefined;
  return {
    gitToken,
    gitTokenExpiresAt,
    ...(isToken(accessToken) ? { accessToken } : {}),
    ...(isToken(refreshToken) ? { refreshToken } : {}),
  };
}

/** Characters that a header of HTTP may have. */
const isToken = (value: unknown): value is string => typeof value === 'string' && /^[\x21-\x7e]+$/.test(value);
