import type { Config } from '../../src/config/types.ts';
import type { ClusterUnderTest } from './cluster-under-test.ts';
import { testConfig } from './sessions/config.ts';
import { type FakeGitLab, startFakeGitLab } from './sessions/fake-gitlab.ts';
import { type FakeRegistry, startFakeRegistry } from './sessions/fake-registry.ts';
import { startService, type TestService } from './sessions/service.ts';

export interface ServiceReplicas {
  readonly gitlab: FakeGitLab;
  /** Starts a replica, with the service's role if the API server has roles. */
  start(deadlineMs?: number): Promise<TestService>;
  stopAll(): Promise<void>;
  /** Stops the replicas, GitLab and the registry. */
  close(): Promise<void>;
}

/** Starts the fakes of GitLab and the registry, which all replicas of the service on a cluster share. */
export async function serviceReplicas(
  cluster: ClusterUnderTest,
  sessions: Partial<Config['sessions']> = {},
): Promise<ServiceReplicas> {
  const [gitlab, registry]: [FakeGitLab, FakeRegistry] = await Promise.all([startFakeGitLab(), startFakeRegistry()]);
  const running: TestService[] = [];
  const config: Partial<Config> = {
    k8s: { renku_namespace: cluster.namespace, sessions_namespace: null },
    sessions: testConfig(sessions).sessions,
    // A pod with an unknown priority class is not created.
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
