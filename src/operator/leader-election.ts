import type { Logger } from 'pino';
import { Deadline } from '../lib/deadline.ts';
import { sleep } from '../lib/sleep.ts';
import type { KubernetesObject } from '../platform/kubernetes/objects.ts';
import { resource } from '../platform/kubernetes/resources.ts';
import { type KubernetesConnection, KubernetesError } from '../platform/kubernetes/types.ts';

/** The name of the lease of the operator's replicas. */
export const leaseName = 'notebook-sessions-operator';

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
  /** Unique for every replica and every start. */
  identity: string;
  /** Time after the last renewal until other replicas may take the lease. The defaults of the three times are client-go's. */
  leaseDurationMs?: number;
  /** Time without a renewal after which a leader stops leading; shorter than `leaseDurationMs`. */
  renewDeadlineMs?: number;
  retryMs?: number;
  log: Logger;
}

/**
 * Takes part in a leader election with a Lease until `signal` aborts. Returns three promises: `elected` resolves when this
 * replica becomes the leader. `lost` resolves when this replica is no longer the leader: the process must then exit, because
 * another replica may become the leader at any time. `ended` resolves when no call is in flight. `lastContactAt` is the time of
 * the last attempt that has read the lease, in milliseconds since the epoch. The expiry of another replica's lease is measured with the local clock, from the last change that this replica has read, so that the clocks of
 * replicas may differ.
 */
export function electLeader(options: LeaderElectionOptions, signal: AbortSignal) {
  const { client, namespace, name, identity, log } = options;
  const { leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryMs = 2_000 } = options;
  const elected = Promise.withResolvers<void>();
  const lost = Promise.withResolvers<void>();
  let seen: { version: string | undefined; at: number } | undefined;
  let leading = false;
  let lastContactAt: number | undefined;

  async function acquireOrRenew(ms: number): Promise<boolean> {
    const deadline = Deadline.after(ms, signal);
    const lease = await client.get<Lease>(resource.leases, namespace, name, deadline);
    lastContactAt = Date.now();
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
    const isHeld = lease.spec?.holderIdentity === identity;
    if (!isHeld && lease.spec?.holderIdentity) {
      if (seen === undefined || seen.version !== resourceVersion)
        seen = { version: resourceVersion, at: performance.now() };
      const waitMs = Math.max(leaseDurationMs, 1000 * (lease.spec.leaseDurationSeconds ?? 0));
      if (performance.now() - seen.at < waitMs) return false;
    }
    const taken = isHeld ? {} : { acquireTime: renewTime, leaseTransitions: (lease.spec?.leaseTransitions ?? 0) + 1 };
    // With the resourceVersion, the API server returns 409 if another replica was faster.
    const patch = { metadata: { resourceVersion }, spec: { ...spec, ...taken } };
    await client.mergePatch<Lease>(resource.leases, namespace, name, patch, deadline);
    return true;
  }

  async function run(): Promise<void> {
    // Start time of the last successful renewal, because other replicas may measure the lease from that time.
    let renewedAt = performance.now();
    const leftMs = (): number => Math.max(0, renewedAt + renewDeadlineMs - performance.now());
    /** Limits attempts and delays of a leader to the time until its renew deadline. */
    const within = (ms: number): number => (leading ? Math.min(ms, leftMs()) : ms);
    while (!signal.aborted) {
      const begunAt = performance.now();
      try {
        const held = await acquireOrRenew(within(Math.min(retryMs * 2, renewDeadlineMs)));
        if (held) {
          renewedAt = begunAt;
          if (!leading) log.info({ identity }, 'this replica is the leader');
          leading = true;
          elected.resolve();
        } else if (leading) return;
      } catch (err) {
        const raced = err instanceof KubernetesError && err.status === 409;
        if (!signal.aborted) log[raced ? 'debug' : 'warn']({ err }, 'the lease could not be taken or renewed');
      }
      if (leading && leftMs() === 0) return;
      await sleep(within(retryMs), signal);
    }
    if (leading) await release();
  }

  /** Releases the lease, so that the next leader does not have to wait until the lease expires. */
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
      log.debug({ err }, 'the lease could not be released; it will expire');
    }
  }

  const ended = run().finally(() => lost.resolve());
  return {
    elected: elected.promise,
    lost: lost.promise,
    ended,
    get lastContactAt() {
      return lastContactAt;
    },
  };
}
