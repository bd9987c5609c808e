import { setTimeout as wait } from 'node:timers/promises';
import { namespace } from '../src/local/environment.ts';
import { type StartedProgram, startProgram } from './child.ts';
import { imageCommand } from './image.ts';
import { processorMs } from './processor-time.ts';

/** Options of Node.js for a trial, in place of those of the image. */
const trial = process.env['BENCH_OPERATOR_FLAGS']?.split(' ');

/**
 * Starts the operator as its image does, with its defaults, for the namespace of the sessions. Resolves when its caches have synced.
 */
export function startOperator(kubeconfig: string): Promise<StartedProgram> {
  const { options, args, env } = imageCommand('operator');
  return startProgram([...(trial ?? options), ...args.slice(-1)], {
    env: { ...env, KUBECONFIG: kubeconfig, NAMESPACES: namespace, METRICS_PORT: '0' },
    until: /the operator has started/,
  });
}

/** Resolves when the process has used almost no processor time for five seconds. */
export async function untilQuiet(pid: number): Promise<void> {
  for (let [before, quietSeconds] = [processorMs(pid), 0]; quietSeconds < 5; ) {
    await wait(1_000);
    const now = processorMs(pid);
    quietSeconds = now - before < 50 ? quietSeconds + 1 : 0;
    before = now;
  }
}
