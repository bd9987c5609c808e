import { afterEach, describe, expect, it } from 'vitest';
import {
  type AgentSession,
  agentSecret,
  annotated,
  startAgentSession,
} from '../../../tests/support/session-agent/agent-session.ts';
import { cleanWork } from '../../../tests/support/session-agent/fake-agent.ts';
import { testConfig, withAgents } from '../../../tests/support/sessions/config.ts';
import { john } from '../../../tests/support/sessions/service.ts';
import { hibernation } from '../../jupyter-server/hibernation.ts';
import { annotation } from '../../jupyter-server/labels.ts';
import { type StopRequest, writeStopRequest } from '../../jupyter-server/stop-request.ts';
import type { JupyterServer, SessionState } from '../../jupyter-server/types.ts';
import { applyMergePatch } from '../../lib/merge-patch.ts';

let session: AgentSession;
afterEach(() => session[Symbol.asyncDispose]());

const reported = (state: SessionState) => (object: JupyterServer) => ({
  ...object,
  status: { ...object.status, state },
});
const asked = (action: StopRequest['action']) => (object: JupyterServer) =>
  annotated(
    object,
    annotation.stopRequest,
    writeStopRequest({ id: 'save-1', at: new Date().toISOString(), by: 'john.doe', action }),
  );
const hibernated = (object: JupyterServer) =>
  applyMergePatch(object, { ...hibernation(new Date(), cleanWork), status: { state: 'hibernated' } }) as JupyterServer;
const withoutAgent = (object: JupyterServer) => annotated(object, annotation.agentSecret, undefined);

const states = {
  starting: reported('starting'),
  running: reported('running'),
  'running, without an agent': withoutAgent,
  failed: reported('failed'),
  hibernated,
  'saving before a hibernation': asked('hibernate'),
  'saving before a deletion': asked('delete'),
  'being deleted': (object: JupyterServer) => ({
    ...object,
    metadata: { ...object.metadata, deletionTimestamp: new Date().toISOString() },
  }),
};

const requests = {
  nothing: {},
  resume: { state: 'running' },
  hibernate: { state: 'hibernated' },
  force: { state: 'hibernated', force: true },
  resize: { resource_class_id: 2 },
  'resize and resume': { resource_class_id: 2, state: 'running' },
};

/** The state of the session after the request, or the code of the error. 202: the operator has not saved yet. */
type Response = readonly [status: number, stateOrCode: SessionState | number];
const isStopping: Record<keyof typeof requests, Response> = {
  nothing: [200, 'stopping'],
  resume: [409, 1409],
  hibernate: [409, 1409],
  force: [409, 1409],
  resize: [409, 1409],
  'resize and resume': [409, 1409],
};
const responses: Record<keyof typeof states, Record<keyof typeof requests, Response>> = {
  starting: {
    nothing: [200, 'starting'],
    resume: [200, 'starting'],
    hibernate: [202, 'stopping'],
    force: [202, 'stopping'],
    resize: [422, 1000],
    'resize and resume': [422, 1000],
  },
  running: {
    nothing: [200, 'running'],
    resume: [200, 'running'],
    hibernate: [202, 'stopping'],
    force: [202, 'stopping'],
    resize: [422, 1000],
    'resize and resume': [422, 1000],
  },
  'running, without an agent': {
    nothing: [200, 'running'],
    resume: [200, 'running'],
    hibernate: [200, 'hibernated'],
    force: [200, 'hibernated'],
    resize: [422, 1000],
    'resize and resume': [422, 1000],
  },
  failed: {
    nothing: [200, 'failed'],
    // A failed session is not hibernated. `POST servers/{name}/restart` replaces its pod.
    resume: [200, 'failed'],
    hibernate: [202, 'stopping'],
    force: [202, 'stopping'],
    resize: [200, 'failed'],
    'resize and resume': [200, 'failed'],
  },
  hibernated: {
    nothing: [200, 'hibernated'],
    resume: [200, 'starting'],
    hibernate: [200, 'hibernated'],
    force: [200, 'hibernated'],
    resize: [200, 'hibernated'],
    'resize and resume': [200, 'starting'],
  },
  'saving before a hibernation': {
    nothing: [200, 'stopping'],
    resume: [200, 'running'],
    hibernate: [202, 'stopping'],
    force: [202, 'stopping'],
    resize: [422, 1000],
    'resize and resume': [422, 1000],
  },
  'saving before a deletion': isStopping,
  'being deleted': isStopping,
};

const patch = (body: object, name = session.name) => session.call('PATCH', `/servers/${name}`, body);
const keys = <Key extends string>(object: Record<Key, unknown>) => Object.keys(object) as Key[];

describe('PATCH servers/{name}', () => {
  it.each(keys(states))('responds as documented to each request for a session that is %s', async (state) => {
    session = await startAgentSession({ deadlineMs: 3_000 });
    const before = structuredClone(session.object());
    if (!before) throw new Error('the session does not exist');
    for (const request of keys(requests)) {
      await session.change(() => states[state](structuredClone(before)));
      const { status, body } = await patch(requests[request]);
      expect([request, status, body.error?.code ?? body.status.state]).toEqual([request, ...responses[state][request]]);
    }
  });

  it.each(keys(states))('of an anonymous user is 422/3007 for a session that is %s', async (state) => {
    session = await startAgentSession({ deadlineMs: 3_000 });
    await session.change(states[state]);
    for (const request of [requests.resume, requests.hibernate, requests.resize, requests.nothing]) {
      const { status, body } = await session.asAnonymous('PATCH', `/servers/${session.name}`, request);
      expect([status, body.error?.code]).toEqual([422, 3007]);
    }
  });

  it('is 404 for a session that does not exist, and 422/1422 for an invalid body', async () => {
    session = await startAgentSession();
    for (const request of Object.values(requests)) {
      const { status, body } = await patch(request, 'no-such-session');
      expect([status, body.error?.code]).toEqual([404, 1404]);
    }
    for (const body of [{ state: 'stopped' }, { resource_class_id: 0 }, { force: 1 }]) {
      const response = await patch(body);
      expect([response.status, response.body.error?.code]).toEqual([422, 1422]);
    }
  });

  it('is 500/3006 if the platform has no volumes', async () => {
    session = await startAgentSession();
    const { sessions } = testConfig(withAgents(agentSecret));
    const storage = { ...sessions.storage, pvs_enabled: false };
    const replica = await session.backends.replica({ config: { sessions: { ...sessions, storage } } });
    const call = replica.as(john(session.backends.gitlab.url));
    for (const request of Object.values(requests)) {
      const { status, body } = await call('PATCH', `/servers/${session.name}`, request);
      expect([status, body.error?.code]).toEqual([500, 3006]);
    }
  });

  it('does not resize a session to a class that is not offered', async () => {
    session = await startAgentSession();
    await session.change(hibernated);
    const { status, body } = await patch({ resource_class_id: 99 });
    expect([status, body.error?.code]).toEqual([422, 1005]);
  });
});
