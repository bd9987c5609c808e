import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { KubernetesObject } from '../../platform/kubernetes/objects.ts';
import { resource } from '../../platform/kubernetes/resources.ts';
import type { Cluster } from '../cluster.ts';
import { timestamp } from './pod/status.ts';

export interface EventRecorder {
  /** Records an event about `object`. The same event again increases the count of the first one. */
  record(object: KubernetesObject, type: 'Normal' | 'Warning', reason: string, message: string): void;
}

/** Limits the memory: after this number of different events, repeated events become new objects. */
const maxRemembered = 1_000;

export function createEventRecorder(cluster: Cluster, component: string, log: Logger): EventRecorder {
  const earlier = new Map<string, { name: string; count: number }>();

  return {
    record(object, type, reason, message) {
      const { name = '', namespace = '', uid = '' } = object.metadata;
      const key = JSON.stringify([uid, type, reason, message]);
      const now = timestamp();
      try {
        const before = earlier.get(key);
        if (before && cluster.get(resource.events, namespace, before.name)) {
          before.count += 1;
          cluster.mergePatch(resource.events, namespace, before.name, { count: before.count, lastTimestamp: now });
          return;
        }
        const event = `${name}.${randomBytes(8).toString('hex')}`;
        cluster.create<KubernetesObject & Record<string, unknown>>(resource.events, namespace, {
          apiVersion: 'v1',
          kind: 'Event',
          metadata: { name: event, namespace },
          involvedObject: { apiVersion: object.apiVersion, kind: object.kind, name, namespace, uid },
          type,
          reason,
          message: message.slice(0, 1_024),
          source: { component, host: 'local' },
          reportingComponent: component,
          reportingInstance: 'local',
          firstTimestamp: now,
          lastTimestamp: now,
          count: 1,
        });
        if (earlier.size >= maxRemembered) earlier.clear();
        earlier.set(key, { name: event, count: 1 });
      } catch (error) {
        // Events are only information: a lost event must not stop the reported work.
        log.warn({ err: error, reason }, 'an event could not be written');
      }
    },
  };
}
