import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import type { Operation, SessionWork } from '../../src/generated/openapi.ts';
import { namespace } from '../../src/local/environment.ts';
import { commandLine, markedProcesses, type Platform } from './platform.ts';
import { type SessionResponse, waitForState } from './session.ts';
import { patience } from './wait-for.ts';

/** The work of the sessions of a local platform. */

export interface Launch {
  readonly namespace: string;
  readonly project: string;
  readonly branch: string;
  readonly commit_sha: string;
  readonly lfs_auto_fetch?: boolean;
}

/** Calls the API of the service. Returns the status and the body, which is empty without content. */
export async function call<Body = Record<string, unknown>>(
  platform: Platform,
  method: string,
  path: string,
  body?: object,
): Promise<{ status: number; body: Body }> {
  const response = await platform.api(`/notebooks${path}`, {
    method,
    ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
  });
  const text = await response.text();
  return { status: response.status, body: JSON.parse(text || '{}') as Body };
}

/** Launches a session and waits until it runs. */
export async function launchSession(platform: Platform, launch: Launch): Promise<SessionResponse> {
  const { status, body } = await call<SessionResponse>(platform, 'POST', '/servers', launch);
  expect(status, JSON.stringify(body)).toBeLessThan(300);
  return await waitForState(platform, body.name, ['running']);
}

/** Stops a session, and waits until it does not exist any more. */
export async function stopSession(platform: Platform, name: string, query = ''): Promise<void> {
  expect((await call(platform, 'DELETE', `/servers/${name}${query}`)).status).toBe(204);
  await waitForState(platform, name, ['gone']);
}

export const workIn = async (platform: Platform, name: string): Promise<SessionWork> =>
  (await call<SessionWork>(platform, 'GET', `/servers/${name}/work`)).body;

/** Saves the work of a session. Returns the operation when it has ended. */
export async function saveSession(platform: Platform, name: string): Promise<Operation> {
  const { status, body } = await call<Operation>(platform, 'POST', `/servers/${name}/save`);
  expect(status, JSON.stringify(body)).toBe(202);
  let operation = body;
  const read = async () => {
    operation = (await call<Operation>(platform, 'GET', `/servers/${name}/operations/${body.id}`)).body;
    return operation.finishedAt;
  };
  await expect.poll(read, patience).not.toBeNull();
  return operation;
}

/** Returns the folder of the session's volume. */
export const volumeOf = ({ stateDir }: Platform, session: string): string =>
  join(stateDir, 'volumes', namespace, session);

/** Returns the processes of sessions that run this program: `agent` or `git-proxy`. */
export const programsOf = ({ stateDir }: Platform, program: 'agent' | 'git-proxy'): number[] =>
  markedProcesses(stateDir).filter((pid) =>
    new RegExp(`^\\S*node \\S*session-tools/${program}/main\\.ts `).test(commandLine(pid) ?? ''),
  );

export function writeFiles(tree: string, files: Record<string, string>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), content);
  }
}
