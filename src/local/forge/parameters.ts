import type { IncomingMessage } from 'node:http';
import { readBodyUpTo } from '../http/body.ts';
import { badRequest, HttpError } from './http.ts';

const maxBodyBytes = 64 * 1024;

/**
 * The parameters of a change, from the query and from the body, which wins: JSON and both kinds of forms, as GitLab
 * reads them. Values that are not scalar are left out: no parameter of ours has one. Throws HttpError.
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
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw badRequest('the body is not valid JSON');
    throw error;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badRequest('the body is not a JSON object');
  }
  return Object.entries(value).flatMap(([name, one]: [string, unknown]): [string, string][] =>
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
