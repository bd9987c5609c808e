import { type Lease, leaseName } from '../src/operator/leader-election.ts';
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
 * Returns the name of the pod that holds a lease; undefined if the holder is no pod. The identity of a replica is the name of its pod
 * and a random part. A lease of another namespace may name anything, also an option of kubectl. Pure.
 */
export function podOf({ spec }: Lease): string | undefined {
  return /^([a-z0-9][a-z0-9.-]*)_[^_]*$/.exec(spec?.holderIdentity ?? '')?.[1];
}

/** Returns the leases of operators; undefined if this user may not list leases there. */
function leasesIn(where: string): readonly Lease[] | undefined {
  try {
    const selector = `--field-selector=metadata.name=${leaseName}`;
    return kubectl<List<Lease>>(['get', 'leases.coordination.k8s.io', where, selector])?.items;
  } catch (error) {
    if (error instanceof Error && error.message.includes('(Forbidden)')) return undefined;
    throw error;
  }
}

/**
 * Throws if an operator of this project runs for the sessions of the namespace. The leader among its replicas has a lease in
 * the namespace of its release, which may be another one: a user who may not list the leases there gets no error.
 */
export function refuseWhileOperatorRuns(namespace: string): void {
  const reason = runningOperator(namespace);
  if (reason !== undefined) throw new Error(reason);
}

/** Returns the sentences that say which operator runs; undefined if none does. */
export function runningOperator(namespace: string): string | undefined {
  const leases = leasesIn('--all-namespaces') ?? leasesIn(`--namespace=${namespace}`) ?? [];
  for (const lease of leases) {
    if (!isHeld(lease, Date.now())) continue;
    const release = lease.metadata.namespace ?? '';
    const pod = podOf(lease);
    const found = pod && kubectl<Pod>(['get', 'pod', pod, '--namespace', release, '--ignore-not-found']);
    if (found ? !watches(found, namespace) : release !== namespace) continue;
    return (
      `The operator runs for the namespace ${namespace}: its leader is the pod ${pod ?? '(without a name)'} in the namespace ${release}. ` +
      'Stop the operator first, wait a minute if it was killed, and run this command again.'
    );
  }
  return undefined;
}
