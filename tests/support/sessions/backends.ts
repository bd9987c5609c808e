import { type FakeCluster, startFakeCluster } from './fake-cluster.ts';
import { type FakeGitLab, startFakeGitLab } from './fake-gitlab.ts';
import { type FakeRegistry, startFakeRegistry } from './fake-registry.ts';
import { startService, type TestService, type TestServiceOptions } from './service.ts';

export interface Backends {
  readonly cluster: FakeCluster;
  readonly gitlab: FakeGitLab;
  readonly registry: FakeRegistry;
  /** Starts another replica of the service. */
  replica(options?: TestServiceOptions): Promise<TestService>;
  /** Stops the replicas, too. */
  close(): Promise<void>;
}

export async function startBackends(): Promise<Backends> {
  const [cluster, gitlab, registry] = await Promise.all([startFakeCluster(), startFakeGitLab(), startFakeRegistry()]);
  const services: TestService[] = [];
  return {
    cluster,
    gitlab,
    registry,
    async replica(options = {}) {
      const service = await startService({ cluster, gitlab, registry }, options);
      services.push(service);
      return service;
    },
    async close() {
      for (const service of services) await service.close();
      await Promise.all([cluster.close(), gitlab.close(), registry.close()]);
    },
  };
}
