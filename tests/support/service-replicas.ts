import type { Config } from '../../src/config/types.ts';
import type { ClusterUnderTest } from './cluster-under-test.ts';
import { testConfig } from './sessions/config.ts';
import { type FakeGitLab, startFakeGitLab } from './sessions/fake-gitlab.ts';
import { type FakeRegistry, startFakeRegistry } from './sessions/fake-registry.ts';
import { startService, type TestService } from './sessions/service.ts';

export interface ServiceReplicas {
  readonly gitlab: FakeGitLab;
  /** One more replica, with the service's role where there are roles. */
  start(deadlineMs?: number): Promise<TestService>;
  stopAll(): Promise<void>;
  /** Ends the back ends, too. */
  close(): Promise<void>;
}

/** Replicas of the service on a cluster under test, which share their back ends. */
export async function serviceReplicas(
  cluster: ClusterUnderTest,
  sessions: Partial<Config['sessions']> = {},
): Promise<ServiceReplicas> {
  const [gitlab, registry]: [FakeGitLab, FakeRegistry] = await Promise.all([startFakeGitLab(), startFakeRegistry()]);
  const running: TestService[] = [];
  const config: Partial<Config> = {
    k8s: { renku_namespace: cluster.namespace, sessions_namespace: null },
    sessions: testConfig(sessions).sessions,
    // A pod that names a priority class that there is not is not made.
    resource_pools: testConfig().resource_pools.map((pool) => ({ ...pool, quota: null })),
  };
  const stopAll = async () => {
    await Promise.all(running.splice(0).map((replica) => replica.close()));
  };
  return {
    gitlab,
    async start(deadlineMs = 10_000) {
      const kubeconfig = cluster.serviceKubeconfig;
      const replica = await startService({ cluster: { kubeconfig }, gitlab, registry }, { config, deadlineMs });
      running.push(replica);
      return replica;
    },
    stopAll,
    async close() {
      await stopAll();
      await Promise.all([gitlab.close(), registry.close()]);
    },
  };
}
