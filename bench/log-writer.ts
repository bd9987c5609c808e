import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import type { NodeAgent } from '../src/local/cluster.ts';
import { namespace } from '../src/local/environment.ts';
import { resource } from '../src/platform/kubernetes/resources.ts';
import type { BackEnds } from './backends.ts';
import { containers } from './sessions.ts';

const lineEveryMs = 100;

/** A node with containers that write a line at intervals, without an end. */
export function logWriter(): NodeAgent {
  return {
    async *logs(_pod, { container, follow, timestamps, tailLines = 10 }, signal) {
      const line = (number: number) =>
        `${timestamps ? `${new Date().toISOString()} ` : ''}line ${number} of ${container}, with the usual length of a line\n`;
      for (let number = 0; number < tailLines; number += 1) yield line(number);
      if (!follow) return;
      if (container !== undefined && !containers.regular.includes(container)) return;
      for (let number = tailLines; !signal.aborted; number += 1) {
        yield line(number);
        // The end of the reader ends the wait, too.
        await Promise.race([wait(lineEveryMs), once(signal, 'abort')]);
      }
    },
    metrics: () => [],
  };
}

/** The pod that the API server looks up before it calls the node. */
export function addPod({ cluster }: BackEnds, session: string): void {
  const named = (names: readonly string[]) => names.map((name) => ({ name, image: 'bench' }));
  cluster.create(resource.pods, namespace, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `${session}-0` },
    spec: { initContainers: named(containers.init), containers: named(containers.regular) },
  } as Parameters<typeof cluster.create>[2]);
}
