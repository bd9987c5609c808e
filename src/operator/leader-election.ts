import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { Deadline } from '../lib/deadline.ts';
import type { KubernetesObject } from '../platform/kubernetes/objects.ts';
import { resource } from '../platform/kubernetes/resources.ts';
import { type KubernetesConnection, KubernetesError } from '../platform/kubernetes/types.ts';

export interface Lease extends KubernetesObject {
  spec?: {
    holderIdentity?: string | null;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

export interface LeaderElectionOptions {
  client: KubernetesConnection;
  namespace: string;
  name: string;
  /** Different for every replica and every start. */
  identity: string;
  /** How long a leader that went silent keeps the others waiting. client-go's numbers are 15 s, 10 s and 2 s. */
  leaseDurationMs?: number;
  /** A leader that could not renew for this long stops leading, before another may begin. */
  renewDeadlineMs?: number;
  retryMs?: number;
  log: Logger;
}

/**
 * Leads through a Lease: resolves `elected` once this replica is the leader, and `lost` when it no longer is (then the
 * program has to end: another replica may begin at any moment).
 * Another's lease is timed by this machine's clock from when it was last seen to change, so clocks need not agree.
 */
export function electLeader(options: LeaderElectionOptions, signal: AbortSignal) {
  const { client, namespace, name, identity, log } = options;
  const { leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryMs = 2_000 } = options;
  const elected = Promise.withResolvers<void>();
  const lost = Promise.withResolvers<void>();
  let seen: { version: string | undefined; at: number } | undefined;
  let leading = false;

  async function tryOnce(ms: number): Promise<boolean> {
    const deadline = Deadline.after(ms, signal);
    const lease = await client.get<Lease>(resource.leases, namespace, name, deadline);
    const renewTime = new Date().toISOString().replace('Z', '000Z');
    const spec = { holderIdentity: identity, leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000), renewTime };
    if (!lease) {
      const fresh = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name },
        spec: { ...spec, acquireTime: renewTime },
      };
      await client.create<Lease>(resource.leases, namespace, fresh, deadline);
      return true;
    }
    const { resourceVersion } = lease.metadata;
    const ours = lease.spec?.holderIdentity === identity;
    if (!ours && lease.spec?.holderIdentity) {
      if (seen === undefined || seen.version !== resourceVersion)
        seen = { version: resourceVersion, at: performance.now() };
      const waitMs = Math.max(leaseDurationMs, 1000 * (lease.spec.leaseDurationSeconds ?? 0));
      if (performance.now() - seen.at < waitMs) return false;
    }
    const taken = ours ? {} : { acquireTime: renewTime, leaseTransitions: (lease.spec?.leaseTransitions ?? 0) + 1 };
    // The version makes the API server refuse (409) when another replica was faster.
    const patch = { metadata: { resourceVersion }, spec: { ...spec, ...taken } };
    await client.mergePatch<Lease>(resource.leases, namespace, name, patch, deadline);
    return true;
  }

  async function run(): Promise<void> {
    // Of the renewal's begin: the lease may run from then on for the others.
    let renewedAt = performance.now();
    const leftMs = (): number => Math.max(0, renewedAt + renewDeadlineMs - performance.now());
    /** No try and no wait of a leader outlasts its time. */
    const within = (ms: number): number => (leading ? Math.min(ms, leftMs()) : ms);
    while (!signal.aborted) {
      const begunAt = performance.now();
      try {
        const held = await tryOnce(within(Math.min(retryMs * 2, renewDeadlineMs)));
        if (held) {
          renewedAt = begunAt;
          if (!leading) log.info({ identity }, 'this replica leads');
          leading = true;
          elected.resolve();
        } else if (leading) return;
      } catch (err) {
        const raced = err instanceof KubernetesError && err.status === 409;
        if (!signal.aborted) log[raced ? 'debug' : 'warn']({ err }, 'the lease could not be taken or renewed');
      }
      if (leading && leftMs() === 0) return;
      // An abort ends the wait, and with it the loop.
      await delay(within(retryMs), undefined, { signal }).catch(() => undefined);
    }
    if (leading) await release();
  }

  /** So that the next leader need not wait. */
  async function release(): Promise<void> {
    try {
      const deadline = Deadline.after(2_000);
      const lease = await client.get<Lease>(resource.leases, namespace, name, deadline);
      if (lease?.spec?.holderIdentity !== identity) return;
      const { resourceVersion } = lease.metadata;
      await client.mergePatch(
        resource.leases,
        namespace,
        name,
        { metadata: { resourceVersion }, spec: { holderIdentity: null } },
        deadline,
      );
    } catch (err) {
      log.debug({ err }, 'the lease was not given back and will expire');
    }
  }

  const ended = run().finally(() => lost.resolve());
  return { elected: elected.promise, lost: lost.promise, ended };
}
