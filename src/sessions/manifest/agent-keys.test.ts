import { describe, expect, it } from 'vitest';
import { testConfig, withAgents } from '../../../tests/support/sessions/config.ts';
import { registered } from '../../../tests/support/sessions/manifests.ts';
import { john } from '../../../tests/support/sessions/service.ts';
import { annotation } from '../../jupyter-server/labels.ts';
import { fromJupyterServer } from '../../jupyter-server/session.ts';
import { agentSecretId, deriveAgentKey } from '../../session-contract/agent-key.ts';
import { buildJupyterServer } from './build.ts';
import { credentialsSecret } from './credentials.ts';
import type { ManifestInput } from './input.ts';

const first = 'the first secret, of at least 32 characters';
const second = 'a newer secret, also of at least 32 characters';

type Changes = Parameters<typeof testConfig>[0];

function launched(secrets: string[], changes: Changes = {}, input: ManifestInput = registered) {
  const made = buildJupyterServer(input, testConfig({ ...withAgents(...secrets), ...changes }));
  return fromJupyterServer({ ...made, metadata: { ...made.metadata, namespace: 'renku', uid: 'uid-1' } });
}

function keysOf(session: ReturnType<typeof launched>, secrets: string[]): Record<string, string> {
  const { data } = credentialsSecret(
    session,
    john('https://gitlab.example.org'),
    {},
    testConfig({ agent_secrets: secrets }),
  );
  const text = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString();
  return { 'agent-key': text('agent-key'), 'session-uid': text('session-uid') };
}

describe('a session with an agent', () => {
  it('has the key of its agent in the credentials Secret, and the id of the secret in an annotation', () => {
    const session = launched([first]);
    expect(session.agentSecret).toBe(agentSecretId(first));
    const key = deriveAgentKey(first, 'uid-1').toString('base64url');
    expect(keysOf(session, [first])).toEqual({ 'agent-key': key, 'session-uid': 'uid-1' });
  });

  it('keeps its key while the platform has its secret, whichever is the first', () => {
    const session = launched([first]);
    expect(keysOf(session, [second, first])).toEqual(keysOf(session, [first]));
    expect(launched([second, first]).agentSecret).toBe(agentSecretId(second));
    expect(keysOf(session, [second])).toEqual({ 'agent-key': '', 'session-uid': '' });
  });

  it('has an annotation if its user may not push', () => {
    const input = { ...registered, repository: { ...registered.repository, mayPush: false } };
    expect(launched([first], {}, input).mayPush).toBe(false);
    expect(launched([first]).mayPush).toBe(true);
  });
});

it('a session has no key without a secret of the platform, without an agent, and with that of renku-notebooks', () => {
  const { containers, git_rpc_server } = testConfig().sessions;
  const without = [launched([]), launched([first], { containers }), launched([first], { git_rpc_server })];
  for (const session of without) expect(session.agentSecret).toBeUndefined();
  const made = buildJupyterServer(registered, testConfig({ agent_secrets: [first] }));
  expect(Object.keys(made.metadata.annotations ?? {})).not.toContain(annotation.agentSecret);
});
