import { expect, vi } from 'vitest';
import { annotation } from '../../../src/jupyter-server/labels.ts';
import { readStopRequest, type StopRequest } from '../../../src/jupyter-server/stop-request.ts';
import type { JupyterServer, JupyterServerStatus } from '../../../src/jupyter-server/types.ts';
import { type Backends, startBackends } from '../sessions/backends.ts';
import { testConfig, withAgents } from '../sessions/config.ts';
import { commitSha } from '../sessions/fake-gitlab.ts';
import { anonymous, john, type TestResponse, type TestService } from '../sessions/service.ts';
import { type FakeAgent, startFakeAgent } from './fake-agent.ts';

export const agentSecret = 'a secret of the platform, 32 characters or more';

/** A session of John that runs with an agent, on a service with fake back ends. */
export interface AgentSession extends AsyncDisposable {
  readonly backends: Backends;
  readonly service: TestService;
  readonly agent: FakeAgent;
  readonly name: string;
  call(method: string, path: string, body?: object): Promise<TestResponse>;
  asAnonymous(method: string, path: string, body?: object): Promise<TestResponse>;
  object(): JupyterServer | undefined;
  stopRequest(): StopRequest | undefined;
  /** Changes the object as another client, and waits until the service has seen the change. */
  change(change: (object: JupyterServer) => JupyterServer): Promise<void>;
  /** Methods and resources of the calls to the cluster since the last call of this function. */
  calls(): string[];
}

export interface AgentSessionOptions {
  /** Whether this project's operator has written the status. */
  readonly hasOwnOperator?: boolean;
  readonly hasVolume?: boolean;
  readonly mayPush?: boolean;
  readonly deadlineMs?: number;
  /** The namespace for new sessions; by default that of the session. */
  readonly namespaceOfNew?: string | null;
}

export async function startAgentSession({
  hasOwnOperator = true,
  hasVolume = true,
  mayPush = true,
  deadlineMs = 10_000,
  namespaceOfNew = null,
}: AgentSessionOptions = {}): Promise<AgentSession> {
  const backends = await startBackends();
  const { cluster, gitlab, registry } = backends;
  const { sessions } = testConfig(withAgents(agentSecret));
  const k8s = { renku_namespace: 'renku', sessions_namespace: namespaceOfNew };
  const service = await backends.replica({ config: { sessions, k8s }, deadlineMs });
  registry.login = 'oauth2:the-gitlab-token';
  const call = service.as(john(gitlab.url));
  const body = { namespace: 'my-group', project: 'my-project', branch: 'master', commit_sha: commitSha };
  // The deadline of the test is for its own requests.
  const launching = await backends.replica({ config: { sessions } });
  const launched = await launching.as(john(gitlab.url))('POST', '/servers', body);
  expect(launched.status, JSON.stringify(launched.body)).toBe(201);
  const { name } = launched.body;
  const find = () => cluster.objects('jupyterservers')[0] as JupyterServer | undefined;
  const made = find();
  if (!made) throw new Error('the launch created no object');
  const agent = await startFakeAgent({ secret: agentSecret, sessionUid: made.metadata.uid ?? '' });
  const status: JupyterServerStatus = {
    state: 'running',
    mainPod: { uid: agent.podUid, name: `${name}-0`, status: { phase: 'Running', podIP: agent.address } },
    ...(hasOwnOperator ? { conditions: [] } : {}),
  };
  const push = mayPush ? {} : { [annotation.mayPush]: 'false' };
  let from = 0;
  const session: AgentSession = {
    ...{ backends, service, agent, name, call },
    asAnonymous: service.as(anonymous(gitlab.url)),
    object: find,
    stopRequest: () => readStopRequest(find()?.metadata.annotations?.[annotation.stopRequest]),
    async change(change) {
      const object = find();
      if (!object) throw new Error('the session does not exist');
      const marker = String(Math.random());
      const changed = change(structuredClone(object));
      const annotations = { ...changed.metadata.annotations, [annotation.lastActivityDate]: marker };
      cluster.put({ ...changed, metadata: { ...changed.metadata, annotations } });
      const seen = async () => (await call('GET', `/servers/${name}`)).body.annotations[annotation.lastActivityDate];
      // Not `expect.poll`, which works in a test only.
      await vi.waitFor(async () => expect(await seen()).toBe(marker), { timeout: 60_000 });
      from = cluster.calls.length;
    },
    calls() {
      const recent = cluster.calls.slice(from).map(({ method, resource }) => `${method} ${resource}`);
      from = cluster.calls.length;
      return recent;
    },
    async [Symbol.asyncDispose]() {
      await agent.stop();
      await backends.close();
    },
  };
  await session.change((object) => ({
    ...object,
    metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, ...push } },
    spec: {
      ...object.spec,
      storage: { ...object.spec?.storage, pvc: { ...object.spec?.storage?.pvc, enabled: hasVolume } },
    },
    status,
  }));
  return session;
}

/** Returns the object with the annotation changed; undefined removes the annotation. */
export function annotated(object: JupyterServer, name: string, value: string | undefined): JupyterServer {
  const { [name]: _, ...others } = object.metadata.annotations ?? {};
  const annotations = value === undefined ? others : { ...others, [name]: value };
  return { ...object, metadata: { ...object.metadata, annotations } };
}
