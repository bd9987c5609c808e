import { readFile } from 'node:fs/promises';
import { sleep } from '../../lib/sleep.ts';
import { SaveFailure } from '../saves/failure.ts';

/** Path of the git proxy that takes tokens, and the user name with which its key is sent. */
const tokensPath = '/tokens';
const keyUser = 'session';
const limitMs = 10_000;

/** Hands tokens to the git proxy, which keeps them in memory. `body` is that of the API. Throws SaveFailure. */
export async function putTokens(
  gitProxy: { readonly url: string; readonly keyFile: string } | undefined,
  body: Buffer,
): Promise<void> {
  if (!gitProxy) throw new SaveFailure('unreachable', 'The session has no git proxy that could use the tokens.');
  const key = (await readFile(gitProxy.keyFile, 'utf8')).trim();
  const authorization = `Basic ${Buffer.from(`${keyUser}:${key}`).toString('base64')}`;
  const response = await request(`${gitProxy.url}${tokensPath}`, {
    method: 'PUT',
    body: new Uint8Array(body),
    headers: { authorization, 'content-type': 'application/json' },
  });
  if (response.status === 422) throw new SaveFailure('invalid', 'The git proxy rejects the tokens: they are invalid.');
  if (!response.ok) throw new SaveFailure('unreachable', `The git proxy responds with the status ${response.status}.`);
}

/**
 * Tells the git proxy that the work is saved, so that it can end. The proxy of renku-notebooks responds with 409 until it has got
 * SIGTERM. Returns whether the proxy knows.
 */
export async function reportSaved(healthPort: number, stop: AbortSignal): Promise<boolean> {
  const attempts = 20;
  for (let attempt = 1; attempt <= attempts && !stop.aborted; attempt++) {
    const response = await fetch(`http://127.0.0.1:${healthPort}/shutdown`, {
      signal: AbortSignal.any([stop, AbortSignal.timeout(limitMs)]),
    }).catch(() => undefined);
    await response?.body?.cancel();
    // Without a response, the proxy has ended.
    if (response === undefined || response.ok) return response !== undefined;
    await sleep(500, stop);
  }
  return false;
}

async function request(url: string, init: RequestInit): Promise<Response> {
  try {
    const response = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(limitMs) });
    await response.body?.cancel();
    return response;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new SaveFailure('unreachable', `The git proxy does not respond: ${message}.`, { cause: error });
  }
}
