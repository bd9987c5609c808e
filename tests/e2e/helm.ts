import { join } from 'node:path';
import { run } from './cluster/run.ts';
import { kubectlOf, type TestCluster } from './cluster/start.ts';

export const chart = join(import.meta.dirname, '..', '..', 'helm-chart', 'notebook-sessions');

/** Runs helm as the administrator of the cluster and returns what it printed. */
export function helm({ programs, controlPlane }: TestCluster, args: readonly string[]): Promise<string> {
  const env = { ...process.env, KUBECONFIG: controlPlane.kubeconfig };
  return run(join(programs, 'helm'), args, { env, timeout: 200_000 });
}

/**
 * Installs or upgrades the chart. Resolves when all pods are ready; otherwise throws with what the cluster says about them.
 * @param values files, the last has priority
 */
export async function installChart(
  cluster: TestCluster,
  { name, namespace, values }: { name: string; namespace: string; values: readonly string[] },
): Promise<void> {
  const files = values.flatMap((file) => ['--values', file]);
  const wait = ['--wait', '--timeout', '180s'];
  try {
    await helm(cluster, ['upgrade', '--install', name, chart, '--namespace', namespace, ...files, ...wait]);
  } catch (error) {
    const kubectl = kubectlOf(cluster);
    const ofRelease = ['--namespace', namespace, `--selector=app.kubernetes.io/instance=${name}`];
    const pods = await kubectl(['describe', 'pods', ...ofRelease]);
    const logs = await kubectl(['logs', ...ofRelease, '--all-containers', '--tail=20', '--prefix', '--ignore-errors']);
    throw new Error(`The chart could not be installed.\n${pods}\n${logs}`, { cause: error });
  }
}
