import { readFile } from 'node:fs/promises';
import { hasCode } from '../../lib/error-code.ts';
import { asObject, isObject, parseJson } from '../../lib/json.ts';
import type { AgentSettings } from './settings.ts';

export interface Jupyter {
  /** URL of the server, with the session's path. */
  readonly url: string;
  /** undefined if Jupyter requires no token. */
  readonly token: string | undefined;
}

/** Returns the Jupyter server of the session; undefined if it is unknown. The address and the token change when Jupyter is restarted. */
export async function findJupyter({
  jupyterUrl,
  jupyterFile,
}: Pick<AgentSettings, 'jupyterUrl' | 'jupyterFile'>): Promise<Jupyter | undefined> {
  if (jupyterFile === undefined) return jupyterUrl === undefined ? undefined : { url: jupyterUrl, token: undefined };
  const text = await readFile(jupyterFile, 'utf8').catch((error: unknown) => {
    if (!hasCode(error, 'ENOENT')) throw error;
    return '';
  });
  const { url, token } = asObject(parseJson(text)) ?? {};
  return typeof url === 'string' && typeof token === 'string' && token !== '' ? { url, token } : undefined;
}

/** Milliseconds for each request to Jupyter. */
const limitMs = 10_000;
/** Milliseconds for all requests: the save must still fit into the grace period of the pod. */
const totalMs = 20_000;
const maxBytes = 4 * 1024 * 1024;

/**
 * Ends all kernels and terminals of the session, so that they change no more files. Returns what could not be ended: Jupyter may not
 * run any more.
 */
export async function endKernels({ url, token }: Jupyter, stop: AbortSignal): Promise<string[]> {
  const failures: string[] = [];
  const total = AbortSignal.timeout(totalMs);
  const base = url.replace(/\/+$/, '');
  const headers = token === undefined ? {} : { authorization: `token ${token}` };
  const request = async (method: string, path: string) => {
    const signal = AbortSignal.any([stop, total, AbortSignal.timeout(limitMs)]);
    const response = await fetch(`${base}/api/${path}`, { method, headers, signal, redirect: 'error' });
    const text = await textOf(response);
    // 404: the kernel has just ended, or Jupyter has no terminals.
    if (!response.ok && response.status !== 404) throw new Error(`Jupyter responds with the status ${response.status}`);
    return response.ok ? text : '';
  };
  for (const [kind, key] of [
    ['kernels', 'id'],
    ['terminals', 'name'],
  ] as const) {
    try {
      const names = namesIn(await request('GET', kind), key);
      // At the same time: a busy kernel takes seconds to end.
      await Promise.all(names.map((name) => request('DELETE', `${kind}/${encodeURIComponent(name)}`)));
    } catch (error) {
      stop.throwIfAborted();
      failures.push(`${kind}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return failures;
}

function namesIn(text: string, key: string): string[] {
  const list: unknown = text === '' ? [] : JSON.parse(text);
  if (!Array.isArray(list)) throw new Error('Jupyter responds with another kind of content');
  return list.flatMap((entry) => {
    const name = isObject(entry) ? entry[key] : undefined;
    return typeof name === 'string' ? [name] : [];
  });
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > maxBytes) throw new Error('the response of Jupyter is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
