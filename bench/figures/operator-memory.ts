import { join } from 'node:path';
import { startBackEnds } from '../backends.ts';
import type { Figure, Report } from '../figure.ts';
import { addRunningSession } from '../operated-sessions.ts';
import { startOperator, untilQuiet } from '../operator.ts';
import { residentBytes } from '../processor-time.ts';

const mebibyte = 1024 * 1024;
const users = 5_000;

export const operatorMemory: Figure = {
  name: 'operator-memory',
  about: 'resident memory of the operator after its start with 500 and 10,000 running sessions',
  async run(report) {
    await memory(report, 500, 120);
    await memory(report, 10_000, 200);
  },
};

async function memory(report: Report, sessions: number, targetMebibytes: number): Promise<void> {
  await using backEnds = await startBackEnds();
  for (let index = 0; index < sessions; index += 1) {
    addRunningSession(backEnds.cluster, `bench-${index}`, `owner-${index % users}`);
  }
  report.progress(`${sessions} sessions exist`);
  await using operator = await startOperator(join(backEnds.directory, 'kubeconfig'));
  await untilQuiet(operator.pid);
  report.row({
    what: `resident memory of the operator, ${sessions} sessions`,
    measured: residentBytes(operator.pid) / mebibyte,
    unit: 'MiB',
    target: { of: 'value', atMost: targetMebibytes },
  });
}
