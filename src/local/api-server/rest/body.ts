import type { IncomingMessage } from 'node:http';
import { StatusError } from '../../cluster.ts';
import { readBodyUpTo } from '../../http/body.ts';
import { badRequest } from '../failures.ts';
import { structureProblem } from '../json.ts';

/** Bytes, as in a real API server. */
export const BODY_LIMIT = 3 * 1024 * 1024;

/** The sender went away before the body was complete; there is nobody left to answer. */
export class SenderGone extends Error {
  override readonly name = 'SenderGone';
}

/** Reads the whole body as text. Throws StatusError 413 (too large), 415 (encoded), 400 (not UTF-8), or SenderGone. */
export async function readBody(req: IncomingMessage): Promise<string> {
  const encoding = req.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    req.resume();
    throw unsupportedMediaType(['application/json']);
  }
  const content = await readBodyUpTo(req, BODY_LIMIT).catch((cause: unknown) => {
    throw new SenderGone('the request ended early', { cause });
  });
  if (!content) {
    throw new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${BODY_LIMIT}`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch (error) {
    throw badRequest(`the body is not UTF-8: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Reads JSON. Throws StatusError 400 where it is none, is too deep, or has a member that JavaScript gives a meaning. */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badRequest(`the body is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const problem = structureProblem(value);
  if (problem !== undefined) throw badRequest(`the body cannot be used: ${problem}`);
  return value;
}

/** The media type alone, in lower case; empty where none was sent. */
export function mediaType(req: IncomingMessage): string {
  return (req.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  const list = accepted.join(', ');
  const message = `the body of the request was in an unknown format - accepted media types include: ${list}`;
  return new StatusError(415, 'UnsupportedMediaType', message);
}
