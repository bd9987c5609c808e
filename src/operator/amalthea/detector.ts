import { once } from 'node:events';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import type { CacheEvent } from '../../platform/kubernetes/list-watch-cache.ts';
import { createNamespaceDetector, type DetectorOptions, type NamespaceDetector } from './namespace-detector.ts';

/**
 * Finds out in which of the watched namespaces Amalthea 0.24 or older runs. Two operators must not reconcile the same sessions. What one
 * namespace shows does not stop the work in the others.
 */
export interface AmaltheaDetector {
  /** Returns whether this operator may change the sessions of the namespace. */
  mayAct(namespace: string): boolean;
  /** Whether Amalthea runs in a namespace. */
  readonly isRunning: boolean;
  /** Sentences that say in which namespaces this operator changes no session, and why; undefined if it may act in all of them. */
  readonly reason: string | undefined;
  /** Must be called after each change of a JupyterServer. */
  observe(event: CacheEvent<JupyterServer>): void;
  /** Checks the sessions until `signal` aborts. Must be called when the caches have synced. Until then, nothing may be changed. */
  run(signal: AbortSignal): Promise<void>;
}

export function createAmaltheaDetector(options: DetectorOptions): AmaltheaDetector {
  const { sessions } = options;
  const namespaces = new Map<string, NamespaceDetector>();
  const running: Promise<void>[] = [];
  let started: AbortSignal | undefined;

  /** The namespaces in which Amalthea runs or may run. */
  const suspected = new Set<string>();

  /** Returns the detector of the namespace. A namespace is known from its first session on. */
  function detectorOf(namespace: string): NamespaceDetector {
    const known = namespaces.get(namespace);
    if (known) return known;
    const detector = createNamespaceDetector(namespace, {
      ...options,
      sessions: () => sessions().filter(({ metadata }) => metadata.namespace === namespace),
      isElsewhere: () => suspected.size > (suspected.has(namespace) ? 1 : 0),
      onSuspicion(isSuspected) {
        if (isSuspected) suspected.add(namespace);
        else suspected.delete(namespace);
        for (const [each, other] of namespaces) if (each !== namespace) other.reconsider();
      },
    });
    namespaces.set(namespace, detector);
    if (started) running.push(detector.run(started));
    return detector;
  }

  return {
    mayAct: (namespace) => namespaces.get(namespace)?.state === 'absent',
    get isRunning() {
      return [...namespaces.values()].some(({ state }) => state === 'running');
    },
    get reason() {
      const reasons = [...namespaces.values()].flatMap(({ reason }) => (reason === undefined ? [] : [reason]));
      return reasons.length > 0 ? reasons.join(' ') : undefined;
    },
    observe(event) {
      detectorOf(event.namespace).observe(event);
    },
    async run(signal) {
      started = signal;
      for (const detector of namespaces.values()) running.push(detector.run(signal));
      for (const { metadata } of sessions()) detectorOf(metadata.namespace ?? '');
      if (!signal.aborted) await once(signal, 'abort');
      await Promise.all(running);
    },
  };
}
