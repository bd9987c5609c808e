import type { ServerResponse } from 'node:http';

/** In a registry's own shape (OCI distribution specification 1.1, "Error codes"). */
export function answerError(
  res: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): void {
  const body = JSON.stringify({ errors: [{ code, message, detail: null }] });
  answer(res, status, 'application/json', Buffer.from(body), headers);
}

/** To HEAD, Node sends the headers alone. */
export function answer(
  res: ServerResponse,
  status: number,
  type: string,
  content: Buffer,
  headers: Record<string, string> = {},
): void {
  res.writeHead(status, {
    'Content-Type': type,
    'Content-Length': content.length,
    'Docker-Distribution-Api-Version': 'registry/2.0',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  res.end(content);
}
