import type { Lease } from '../src/operator/leader-election.ts';
import { leaseName } from '../src/operator/leader-election.ts';
import type { KubernetesObject } from '../src/platform/kubernetes/objects.ts';
import { kubectl } from './kubectl.ts';

interface List<T> extends KubernetesObject {
  readonly items?: readonly T[];
}

interface Pod extends KubernetesObject {
  readonly spec?: { readonly containers?: readonly { readonly env?: readonly { name: string; value?: string }[] }[] };
}

/** The clock of this machine may differ from those of the nodes by this much. */
const clockDifferenceMs = 60_000;

/** Returns whether a replica may still lead. A replica that ends releases its lease; that of a killed one expires. Pure. */
export function isHeld({ spec }: Lease, now: number): boolean {
  const renewedAt = Date.parse(spec?.renewTime ?? '');
  const endsAt = renewedAt + 1000 * (spec?.leaseDurationSeconds ?? 0) + clockDifferenceMs;
  return Boolean(spec?.holderIdentity) && !(endsAt < now);
}

/** Returns whether the operator in this pod watches the namespace. Pure. */
export function watches({ spec }: Pod, namespace: string): boolean {
  const env = new Map(
    spec?.containers?.flatMap((each) => each.env ?? []).map(({ name, value }) => [name, value ?? '']),
  );
  return env.get('CLUSTER_WIDE') === 'true' || (env.get('NAMESPACES') ?? '').split(',').includes(namespace);
}

/**
 * Throws if an operator of this project runs for the sessions of the namespace. The leader among its replicas has a lease in
 * the namespace of its release, which may be another one.
 */
export function refuseWhileOperatorRuns(namespace: string): void {
  const selected = ['get', 'leases.coordination.k8s.io', '--all-namespaces'];
  const leases = kubectl<List<Lease>>([...selected, '--field-selector', `metadata.name=${leaseName}`])?.items ?? [];
  for (const lease of leases) {
    if (!isHeld(lease, Date.now())) continue;
    const release = lease.metadata.namespace ?? '';
    // The identity of a replica is the name of its pod and a random part.
    const pod = (lease.spec?.holderIdentity ?? '').replace(/_[^_]*$/, '');
    const found = kubectl<Pod>(['get', 'pod', pod, '--namespace', release, '--ignore-not-found']);
    if (found ? !watches(found, namespace) : release !== namespace) continue;
    throw new Error(
      `The operator runs for the namespace ${namespace}: its leader is the pod ${pod} in the namespace ${release}. ` +
        'Stop the operator first, wait a minute if it was killed, and run this command again.',
    );
  }
}
