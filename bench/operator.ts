import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { namespace } from '../src/local/environment.ts';
import { type StartedProgram, startProgram } from './child.ts';
import { processorMs } from './processor-time.ts';

const program = join(import.meta.dirname, '..', 'src', 'operator', 'main.ts');
/** Flags of Node.js for a trial. */
const flags = process.env['BENCH_OPERATOR_FLAGS']?.split(' ') ?? [];

/** Starts the operator, with its defaults, for the namespace of the sessions. Resolves when its caches have synced. */
export const startOperator = (kubeconfig: string): Promise<StartedProgram> =>
  startProgram([...flags, program], {
    env: { KUBECONFIG: kubeconfig, NAMESPACES: namespace, METRICS_PORT: '0' },
    until: /the operator has started/,
  });

/** Resolves when the process has used almost no processor time for five seconds. */
export async function untilQuiet(pid: number): Promise<void> {
  for (let [before, quietSeconds] = [processorMs(pid), 0]; quietSeconds < 5; ) {
    await wait(1_000);
    const now = processorMs(pid);
    quietSeconds = now - before < 50 ? quietSeconds + 1 : 0;
    before = now;
  }
}
