import type { IncomingMessage } from 'node:http';

/**
 * Returns the host of a request, in lower case and with its port: `127.0.0.1:8000`. Returns undefined if there is no Host
 * header, more than one, or one that differs from the host of an absolute request target.
 */
export function hostOf(req: IncomingMessage): string | undefined {
  const hosts = req.headersDistinct['host'] ?? [];
  if (hosts.length !== 1 || !hosts[0]) return undefined;
  const host = hosts[0].toLowerCase();
  const authority = absoluteAuthority(req.url ?? '');
  return authority === undefined || authority === host ? host : undefined;
}

/**
 * Returns path and query as received, without decoding, of a target in origin form (`/a?b`) or absolute form
 * (`http://host/a?b`, RFC 9112 3.2.2); undefined for other forms such as `*`. `query` begins with `?` or is empty.
 */
export function targetOf(req: IncomingMessage): { path: string; query: string } | undefined {
  const url = req.url ?? '';
  const origin = absoluteAuthority(url) === undefined ? url : url.replace(absoluteForm, '') || '/';
  if (!origin.startsWith('/')) return undefined;
  const end = origin.search(/[?#]/);
  if (end < 0) return { path: origin, query: '' };
  return { path: origin.slice(0, end), query: origin.slice(end).replace(/#.*$/s, '') };
}

const absoluteForm = /^https?:\/\/([^/?#]*)/i;

function absoluteAuthority(url: string): string | undefined {
  return absoluteForm.exec(url)?.[1]?.toLowerCase();
}
