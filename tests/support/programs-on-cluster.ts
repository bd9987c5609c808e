import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readKubeconfig } from './api-server-under-test.ts';
import { send, type TestResponse } from './app.ts';
import type { ClusterUnderTest } from './cluster-under-test.ts';
import { type ApiRequest, type ApiServerProxy, startApiServerProxy } from './kubernetes/api-server-proxy.ts';
import { type ServiceProgram, startServiceProgram } from './service-program.ts';
import { type FakeGitLab, startFakeGitLab } from './sessions/fake-gitlab.ts';
import { type FakeRegistry, startFakeRegistry } from './sessions/fake-registry.ts';
import { headersOfJohn } from './whole-service.ts';

export interface RunningService extends ServiceProgram {
  /** Sends a request as John. The path is below the service's prefix. */
  call(method: string, path: string, body?: object, gitToken?: string): Promise<TestResponse>;
  /** Sends `POST /servers` as John. @param gitToken another token of John, with which requests do not share a launch. */
  launch(body: object, gitToken?: string): Promise<TestResponse>;
}

export interface RunningOperator {
  readonly child: ChildProcess;
  readonly exit: Promise<unknown>;
  /** Returns the log so far. */
  log(): string;
}

/** The programs as processes on a namespace of a real API server, with their roles, each behind a proxy that can fail. */
export interface ProgramsOnCluster {
  readonly gitlab: FakeGitLab;
  proxy(): Promise<ApiServerProxy>;
  startService(proxy: ApiServerProxy, env?: Record<string, string>): Promise<RunningService>;
  /** @param path of the program in this repository; the operator's by default */
  startOperator(proxy: ApiServerProxy, env?: Record<string, string>, path?: string): RunningOperator;
  /** Kills the programs that still run. */
  close(): Promise<void>;
}

export const isWrite = ({ method }: ApiRequest): boolean => method !== 'GET';

export async function programsOnCluster(cluster: ClusterUnderTest): Promise<ProgramsOnCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'programs-'));
  const [gitlab, registry]: [FakeGitLab, FakeRegistry] = await Promise.all([startFakeGitLab(), startFakeRegistry()]);
  const proxies: ApiServerProxy[] = [];
  const running: { child: ChildProcess; exit: Promise<unknown> }[] = [];
  const base = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' };
  let files = 0;

  function kubeconfig(proxy: ApiServerProxy, of: string): string {
    files += 1;
    const file = join(folder, `kubeconfig-${files}`);
    writeFileSync(file, proxy.kubeconfig(of), { mode: 0o600 });
    return file;
  }

  return {
    gitlab,
    async proxy() {
      const proxy = await startApiServerProxy(readKubeconfig(cluster.kubeconfig).cluster);
      proxies.push(proxy);
      return proxy;
    },
    async startService(proxy, env = {}) {
      const program = startServiceProgram({
        ...base,
        KUBECONFIG: kubeconfig(proxy, cluster.serviceKubeconfig),
        HOST: '127.0.0.1',
        PORT: '0',
        NB_K8S__RENKU_NAMESPACE: cluster.namespace,
        NB_GIT__URL: gitlab.url,
        NB_GIT__REGISTRY: registry.host,
        NB_SESSIONS__INGRESS__HOST: 'sessions.example.org',
        NB_REQUEST__DEADLINE_MS: '60000',
        ...env,
      });
      running.push(program);
      const { address } = (await program.says('listening')) as { address: { port: number } };
      await program.says('all sessions are known');
      const call: RunningService['call'] = (method, path, body, gitToken = 'the-gitlab-token') =>
        send(address.port, {
          method,
          path: `/notebooks${path}`,
          headers: { 'content-type': 'application/json', ...headersOfJohn(gitlab.url, gitToken) },
          ...(body ? { body: JSON.stringify(body) } : {}),
        });
      return { ...program, call, launch: (body, gitToken) => call('POST', '/servers', body, gitToken) };
    },
    startOperator(proxy, env = {}, path = 'src/operator/main.ts') {
      const child = spawn(process.execPath, [join(import.meta.dirname, '../..', path)], {
        env: {
          ...base,
          KUBECONFIG: kubeconfig(proxy, cluster.operatorKubeconfig),
          NAMESPACES: cluster.namespace,
          METRICS_PORT: '0',
          JUPYTER_SERVER_RESOURCE_CHECK_ENABLED: 'false',
          ...env,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let log = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (log += data));
      const program = { child, exit: once(child, 'exit'), log: () => log };
      running.push(program);
      return program;
    },
    async close() {
      for (const { child } of running) child.kill('SIGKILL');
      await Promise.all(running.map(({ exit }) => exit));
      for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
      await Promise.all([gitlab.close(), registry.close()]);
      rmSync(folder, { recursive: true });
    },
  };
}
