import pino from 'pino';
import type { Config } from '../../src/config/types.ts';
import { createKubernetesClient } from '../../src/platform/kubernetes/client.ts';
import { parseKubeConfig } from '../../src/platform/kubernetes/kubeconfig.ts';
import type { KubernetesConnection } from '../../src/platform/kubernetes/types.ts';
import { createOutboundCalls, outboundTargets } from '../../src/platform/metrics/outbound-calls.ts';
import { type Metrics, noMetrics } from '../../src/platform/metrics/types.ts';
import { createService, type Service } from '../../src/service.ts';
import { send, type TestRequest, type TestResponse } from './app.ts';
import { testConfig } from './sessions/config.ts';

const claims = {
  sub: 'uuid-john',
  preferred_username: 'john.doe',
  email: 'john@example.org',
  name: 'John Doe',
  iss: 'https://renku.example.org/auth/realms/Renku',
};
const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64');
const idToken = ['{"alg":"none"}', JSON.stringify(claims), 'x'].map((part) => Buffer.from(part).toString('base64url'));

/** Returns the headers that the gateway adds to the requests of John, with credentials for the GitLab at `gitUrl`. */
export const headersOfJohn = (gitUrl: string, gitToken = 'the-gitlab-token'): Record<string, string> => ({
  'renku-auth-access-token': 'the-access-token',
  'renku-auth-id-token': idToken.join('.'),
  'renku-auth-git-credentials': encoded({
    [gitUrl]: { AuthorizationHeader: `bearer ${gitToken}`, AccessTokenExpiresAt: null },
  }),
});

export interface WholeService extends AsyncDisposable {
  readonly service: Service;
  readonly port: number;
  /** The log lines of errors. */
  readonly errors: readonly string[];
  /** Sends a request as John, unless `headers` name another caller. */
  request(
    method: string,
    path: string,
    body?: object | string,
    headers?: Record<string, string>,
  ): Promise<TestResponse>;
}

export interface WholeServiceOptions {
  readonly kubeconfig: string;
  readonly config: Pick<Config, 'git'> & Partial<Config>;
  /** Replaces the connection to the cluster. */
  readonly wrap?: (client: KubernetesConnection) => KubernetesConnection;
  /** The timing of the session cache, and the milliseconds of silence after which the service is not ready. */
  readonly following?: Pick<Parameters<typeof createService>[0], 'timing' | 'silenceLimitMs'>;
  readonly validateResponses?: boolean;
  readonly metrics?: Metrics;
}

/** Starts the service as main.ts builds it, on a free port, with the back ends of the test. */
export async function startWholeService(options: WholeServiceOptions): Promise<WholeService> {
  const {
    kubeconfig,
    wrap = (client) => client,
    following = {},
    validateResponses = false,
    metrics = noMetrics,
  } = options;
  const errors: string[] = [];
  const log = pino({ level: 'error' }, { write: (line: string) => void errors.push(line) });
  const config = testConfig({}, options.config);
  const calls = createOutboundCalls(metrics, outboundTargets);
  const client = wrap(createKubernetesClient({ kubeconfig: await parseKubeConfig(kubeconfig), log, calls }));
  const service = createService({ config, log, client, metrics, calls, ...following, validateResponses });
  await service.start({ host: '127.0.0.1', port: 0 });
  const address = service.server.address();
  if (address === null || typeof address === 'string') throw new Error('the service has no TCP port');
  const { port } = address;
  const identity = headersOfJohn(config.git.url);
  return {
    service,
    port,
    errors,
    request: (method, path, body, headers = {}) =>
      send(port, {
        method,
        path: `/notebooks${path}`,
        headers: { 'content-type': 'application/json', ...identity, ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      } satisfies TestRequest),
    async [Symbol.asyncDispose]() {
      service.server.closeAllConnections();
      await service.stop();
    },
  };
}
