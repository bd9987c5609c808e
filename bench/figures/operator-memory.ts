import { join } from 'node:path';
import { startBackEnds } from '../backends.ts';
import type { Figure, Report, Size } from '../figure.ts';
import { addRunningSession } from '../operated-sessions.ts';
import { startOperator, untilQuiet } from '../operator.ts';
import { processorMs, residentBytes } from '../processor-time.ts';

const mebibyte = 1024 * 1024;
const users = 5_000;

export const operatorMemory: Figure = {
  name: 'operator-memory',
  about: 'resident memory of the operator after its start with 500 and 10,000 running sessions',
  async run(report, size) {
    await memory(report, size, 500, 120);
    await memory(report, size, 10_000, 200);
  },
};

async function memory(report: Report, { part }: Size, all: number, targetMebibytes: number): Promise<void> {
  const sessions = part(all);
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
  report.row({
    what: `processor time of the start of the operator, ${sessions} sessions`,
    measured: processorMs(operator.pid) / 1000,
    unit: 's',
  });
}
