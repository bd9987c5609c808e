import type { ChildProcess } from 'node:child_process';
import type { ApiRequest, ApiServerProxy } from './kubernetes/api-server-proxy.ts';
import { isWrite } from './programs-on-cluster.ts';

/** Whether a program is killed before the API server gets its write, or before the response to the write arrives. */
export const killTimes = ['before', 'after'] as const;
export type KillTime = (typeof killTimes)[number];

/** Kills the program at its write number `at` from now. Returns a function that says whether that has happened. */
export function killAtWrite(at: number, when: KillTime, proxy: ApiServerProxy, child: ChildProcess): () => boolean {
  let writes = 0;
  let target: ApiRequest | undefined;
  const kill = () => child.kill('SIGKILL');
  proxy.fault = (request) => {
    if (!isWrite(request)) return undefined;
    writes += 1;
    if (writes !== at) return undefined;
    target = request;
    if (when === 'after') return 'cut after commit';
    kill();
    return 'reset';
  };
  proxy.onResponse = (request) => {
    if (request === target) kill();
  };
  return () => target !== undefined;
}
