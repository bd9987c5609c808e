import type { IncomingMessage } from 'node:http';
import { StatusError } from '../../cluster.ts';
import { readBodyUpTo } from '../../http/body.ts';
import { badRequest } from '../failures.ts';
import { structureError } from '../json.ts';

/** Bytes, as in a real API server. */
const BODY_LIMIT = 3 * 1024 * 1024;

/** The client closed the connection before the body was complete. There is no response. */
export class ClientDisconnected extends Error {
  override readonly name = 'ClientDisconnected';
}

/** Reads the whole body as text. Throws StatusError 413 (too large), 415 (encoded), 400 (not UTF-8), or ClientDisconnected. */
export async function readBody(req: IncomingMessage): Promise<string> {
  const encoding = req.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    req.resume();
    throw unsupportedMediaType(['application/json']);
  }
  const content = await readBodyUpTo(req, BODY_LIMIT).catch((cause: unknown) => {
    throw new ClientDisconnected('the client closed the connection', { cause });
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

/** Parses JSON. Throws StatusError 400 for invalid JSON, and for JSON that the server cannot store. */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badRequest(`the body is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const error = structureError(value);
  if (error !== undefined) throw badRequest(`the body cannot be used: ${error}`);
  return value;
}

/** Returns the media type without parameters, in lower case; empty if the header is missing. */
export function mediaType(req: IncomingMessage): string {
  return (req.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

export function unsupportedMediaType(
  accepted: readonly string[],
  why = 'the body of the request was in an unknown format',
): StatusError {
  const message = `${why} - accepted media types include: ${accepted.join(', ')}`;
  return new StatusError(415, 'UnsupportedMediaType', message);
}
