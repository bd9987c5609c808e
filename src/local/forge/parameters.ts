import type { IncomingMessage } from 'node:http';
import { isObject, parseJson } from '../../lib/json.ts';
import { readBodyUpTo } from '../http/body.ts';
import { badRequest, HttpError } from './http.ts';

const maxBodyBytes = 64 * 1024;

/**
 * Returns the parameters of a request that changes something, from its query and its body: JSON or a form, as in GitLab.
 * The body takes precedence. Values that are not scalar are ignored, because no parameter has one. Throws HttpError.
 */
export async function parametersOf(request: IncomingMessage, query: URLSearchParams): Promise<URLSearchParams> {
  const body = await readBodyUpTo(request, maxBodyBytes);
  if (!body) throw new HttpError(413, { error: 'Request Entity Too Large' });
  const parameters = new URLSearchParams(query);
  if (body.length === 0) return parameters;
  const type = request.headers['content-type'] ?? 'application/x-www-form-urlencoded';
  for (const [name, value] of await entriesOf(body, type)) parameters.set(name, value);
  return parameters;
}

async function entriesOf(body: Buffer, type: string): Promise<[string, string][]> {
  switch (type.split(';', 1)[0]?.trim().toLowerCase()) {
    case 'application/json':
      return jsonEntries(body);
    case 'application/x-www-form-urlencoded':
      return [...new URLSearchParams(body.toString('utf8'))];
    case 'multipart/form-data':
      return formEntries(body, type);
    default:
      throw new HttpError(415, { error: `The provided content-type '${type}' is not supported.` });
  }
}

function jsonEntries(body: Buffer): [string, string][] {
  const value = parseJson(body.toString('utf8'));
  if (!isObject(value)) throw badRequest('the body is not a valid JSON object');
  return Object.entries(value).flatMap(([name, one]): [string, string][] =>
    ['string', 'number', 'boolean'].includes(typeof one) ? [[name, String(one)]] : [],
  );
}

async function formEntries(body: Buffer, type: string): Promise<[string, string][]> {
  try {
    const form = await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData();
    return [...form].flatMap(([name, value]): [string, string][] => (typeof value === 'string' ? [[name, value]] : []));
  } catch (error) {
    if (error instanceof TypeError) throw badRequest('the body is not a valid form');
    throw error;
  }
}
