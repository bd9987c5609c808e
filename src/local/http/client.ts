import { type RequestOptions, request } from 'node:http';
import { readBodyUpTo } from './body.ts';

const maxResponseBytes = 1024 * 1024;

export interface TextResponse {
  readonly status: number;
  readonly text: string;
}

/**
 * Sends GET, or POST if there is a body, and returns the response. Rejects if the response is larger than 1 MiB. Uses node:http,
 * because fetch adds headers that only browsers send.
 */
export function requestText(url: string, options: RequestOptions, body?: string): Promise<TextResponse> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: body === undefined ? 'GET' : 'POST', ...options });
    sent.on('error', reject);
    sent.on('response', (response) => {
      readBodyUpTo(response, maxResponseBytes).then((content) => {
        if (content) resolve({ status: response.statusCode ?? 0, text: content.toString('utf8') });
        else reject(new Error(`the response of ${url} is too large`));
      }, reject);
    });
    sent.end(body);
  });
}
