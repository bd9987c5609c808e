/**
 * The container's preStop command: asks the agent for the last save, and waits for its end. The kubelet ends the command with the
 * grace period of the pod. SIGTERM, which follows, makes the agent save if this command could not: without an answer of the agent, or in
 * a pod without a key. The git proxy waits for that save.
 */
import { randomUUID } from 'node:crypto';
import { asObject } from '../../lib/json.ts';
import { type AgentScope, createAgentToken } from '../../session-contract/agent-token.ts';
import { type ApiSettings, readSettings } from './settings.ts';

/** Seconds for each request that waits for a change. */
const waitSeconds = 25;

type Api = ApiSettings & { readonly identity: NonNullable<ApiSettings['identity']> };

async function request(api: Api, scope: AgentScope, method: string, path: string, body?: object) {
  const { token } = createAgentToken(api.identity.key, api.identity.sessionUid, scope, Date.now());
  const response = await fetch(`http://${api.host}:${api.port}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout((waitSeconds + 10) * 1000),
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const operation = asObject(await response.json());
  if (!response.ok || !operation) throw new Error(`the agent responds with the status ${response.status}`);
  return operation;
}

async function run({ identity, ...rest }: ApiSettings): Promise<void> {
  if (!identity) return;
  const api = { ...rest, identity };
  const id = randomUUID();
  let operation = await request(api, 'save', 'POST', '/v1/saves', { id, reason: 'pre-stop', isFinal: true });
  while (operation['finishedAt'] === null) {
    const query = `wait=${waitSeconds}&version=${String(operation['version'])}`;
    operation = await request(api, 'read', 'GET', `/v1/operations/${id}?${query}`);
  }
}

await run(readSettings(process.env).api);
