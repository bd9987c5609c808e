import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { jupyterServers } from '../../src/jupyter-server/resource.ts';
import type { JupyterServer } from '../../src/jupyter-server/types.ts';
import type { KubernetesObject } from '../../src/platform/kubernetes/objects.ts';
import { kubectl } from '../kubectl.ts';
import { refuseWhileOperatorRuns, runningOperator } from '../running-operator.ts';
import { handOverPatch } from './handled.ts';

const usage = `usage: hand-over-to-amalthea --namespace NAMESPACE [--resource PLURAL.GROUP] [--timeout SECONDS]

Prepares the sessions of a namespace for Amalthea 0.24 or older, after the operator of this project has been stopped and before
Amalthea is started. Waits for the end of the operator, 90 seconds by default. Uses the cluster of kubectl. The resource is
${jupyterServers.plural}.${jupyterServers.group} by default.
`;

interface List extends KubernetesObject {
  readonly items?: readonly JupyterServer[];
}

async function handOver(namespace: string, resource: string, timeoutSeconds: number): Promise<void> {
  const end = Date.now() + 1000 * timeoutSeconds;
  for (let isFirst = true; Date.now() < end && runningOperator(namespace) !== undefined; isFirst = false) {
    if (isFirst) process.stderr.write('waiting for the end of the operator\n');
    await delay(1_000);
  }
  refuseWhileOperatorRuns(namespace);
  const sessions = kubectl<List>(['get', resource, '--namespace', namespace])?.items ?? [];
  for (const session of sessions) {
    const { name = '' } = session.metadata;
    const change = handOverPatch(session);
    if (change) {
      const patch = JSON.stringify(change);
      kubectl(['patch', resource, name, '--namespace', namespace, '--type', 'merge', '--patch', patch]);
    }
    process.stdout.write(`${name}: ${change ? 'prepared' : 'needs no preparation'}\n`);
  }
  process.stdout.write(`${sessions.length} sessions can be handed over to Amalthea.\n`);
}

try {
  const options = {
    namespace: { type: 'string' },
    resource: { type: 'string', default: `${jupyterServers.plural}.${jupyterServers.group}` },
    timeout: { type: 'string', default: '90' },
  } as const;
  const { namespace, resource, timeout } = parseArgs({ options }).values;
  if (namespace === undefined || !/^\d+$/.test(timeout)) {
    process.stderr.write(usage);
    process.exitCode = 2;
  } else {
    await handOver(namespace, resource, Number(timeout));
  }
} catch (error) {
  process.stderr.write(
    `The sessions cannot be handed over: ${error instanceof Error ? error.message : String(error)}\n`,
  );
  process.exitCode = 1;
}
