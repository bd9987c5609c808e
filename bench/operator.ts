import { namespace } from '../src/local/environment.ts';
import { type StartedProgram, startProgram } from './child.ts';
import { imageCommand } from './image.ts';
import { processorMs } from './processor-time.ts';
import { until } from './until.ts';

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

/** Resolves when the process has used almost no processor time for five seconds. Throws after five minutes. */
export async function untilQuiet(pid: number): Promise<void> {
  let [before, quietSeconds] = [Number.NEGATIVE_INFINITY, 0];
  const isQuiet = (): true | undefined => {
    const now = processorMs(pid);
    quietSeconds = now - before < 50 ? quietSeconds + 1 : 0;
    before = now;
    return quietSeconds === 5 || undefined;
  };
  await until('the operator to be idle', isQuiet, { withinMs: 300_000, everyMs: 1_000 });
}
