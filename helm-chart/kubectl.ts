import { spawnSync } from 'node:child_process';
import { isKubernetesObject, type KubernetesObject } from '../src/platform/kubernetes/objects.ts';

const timeoutMs = 60_000;

/** Runs kubectl and returns its output as an object; undefined if the object does not exist. Throws with kubectl's message. */
export function kubectl<T extends KubernetesObject = KubernetesObject>(
  args: readonly string[],
  input?: object,
): T | undefined {
  const { status, stdout, stderr, error } = spawnSync('kubectl', [...args, '--output', 'json'], {
    encoding: 'utf8',
    timeout: timeoutMs,
    maxBuffer: 256 * 1024 * 1024,
    ...(input ? { input: JSON.stringify(input) } : {}),
  });
  if (error) throw error;
  if (status !== 0) throw new Error(stderr.trim());
  const object: unknown = stdout === '' ? undefined : JSON.parse(stdout);
  return isKubernetesObject<T>(object) ? object : undefined;
}
