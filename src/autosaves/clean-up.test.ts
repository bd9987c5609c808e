import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { registered } from '../../tests/support/autosaves/callers.ts';
import { openWorkshop, type Workshop } from '../../tests/support/autosaves/workshop.ts';
import { ada, type ServedForge, serveForge } from '../../tests/support/local/forge/served-forge.ts';
import { loopbackHttp } from '../../tests/support/outbound-http.ts';
import { createGitLab } from '../platform/gitlab/client.ts';
import { createLogger } from '../platform/logging/logger.ts';
import { autosaveBranch } from '../session-contract/autosave.ts';
import { type CleanUpLimits, createAutosaveCleanUp } from './clean-up.ts';
import type { AutosaveCleanUp, NewSession } from './types.ts';

let served: ServedForge;
let projectId: number;
let workshop: Workshop;
let token: string;
let cleanUp: AutosaveCleanUp;
let logged: string;
/** Method and last part of the address of every call to the forge. */
let calls: string[];

const answerAll = () => false;
let answer: (request: IncomingMessage, response: ServerResponse) => boolean;

function start(limits: Partial<CleanUpLimits> = {}): AutosaveCleanUp {
  const destination = {
    write(line: string) {
      logged += line;
    },
  };
  const log = createLogger({ name: 'test', level: 'debug', destination });
  return createAutosaveCleanUp({
    gitlab: createGitLab({ http: loopbackHttp(), log, requestTimeoutMs: 5_000 }),
    log,
    limits,
  });
}
const session = (commitSha: string, changes: Partial<NewSession> = {}): NewSession => ({
  name: 'ada-own-1',
  user: registered(served.url, token),
  projectId,
  branch: 'main',
  commitSha,
  commitsInUse: [],
  ...changes,
});
const eventually = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 60_000, interval: 20 });
const lines = (text: string) => logged.split('\n').filter((line) => line.includes(text));

beforeAll(async () => {
  served = await serveForge();
  token = served.forge.issueToken(ada).token;
  const members = [{ username: 'ada', accessLevel: 30 }];
  projectId = (await served.forge.createProject({ namespace: 'team', path: 'own', members })).id;
  workshop = await openWorkshop(served, 'team/own', token);
});
afterAll(() => served?.close());
beforeEach(() => {
  [logged, calls, answer] = ['', [], answerAll];
  served.intercept = (request, response) => {
    if (!request.url?.includes('/api/')) return false;
    calls.push(`${request.method} ${decodeURIComponent(request.url.replace(/^.*\/repository\//, ''))}`);
    return answer(request, response);
  };
  cleanUp = start();
});
afterEach(async () => {
  await cleanUp.stop();
  answer = answerAll;
  for (const name of await workshop.autosaves()) {
    const url = `${served.url}/api/v4/projects/${projectId}/repository/branches/${encodeURIComponent(name)}`;
    await fetch(url, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } });
  }
});

describe('the clean-up after a launch', () => {
  it('deletes the autosaves of ancestors of the commit, and no others', async () => {
    const [first, second, third] = workshop.commits;
    const old = [await workshop.autosave('ada', 'main', first), await workshop.autosave('ada', 'main', second)];
    const kept = [
      await workshop.autosave('ada', 'main', third),
      await workshop.autosave('ada', 'main', workshop.side),
      await workshop.autosave('ada', 'side', first),
      await workshop.autosave('bob', 'main', first),
      await workshop.autosave('ADA', 'main', first),
    ];
    cleanUp.afterLaunch(session(third));
    await eventually(() => expect(lines('superseded autosave deleted')).toHaveLength(2));
    expect(await workshop.autosaves()).toEqual(kept.sort());
    for (const name of old) expect(logged).toContain(name);
    expect(logged).not.toContain(token);
  });

  it('keeps all autosaves if the commit is older or on another line of history', async () => {
    const [first, second, third] = workshop.commits;
    const all = [await workshop.autosave('ada', 'main', second), await workshop.autosave('ada', 'main', third)].sort();
    cleanUp.afterLaunch(session(first));
    cleanUp.afterLaunch(session(workshop.side));
    // A list and two lookups of ancestry each.
    await eventually(() => expect(calls).toHaveLength(6));
    expect(await workshop.autosaves()).toEqual(all);
    expect(calls.filter((call) => call.startsWith('DELETE'))).toEqual([]);
  });

  it('keeps an autosave with a file or commits that the commit of the launch does not have', async () => {
    const [first, second, third] = workshop.commits;
    const nameOf = (root: string, final: string) =>
      autosaveBranch({ username: 'ada', rootBranch: 'main', rootCommit: root, finalCommit: final });
    const [withFile, withCommits] = [nameOf(first, workshop.side), nameOf(second, '1234567')];
    await workshop.push(workshop.side, withFile);
    // As a save of this project: its second commit has what a comparison of files does not show.
    await workshop.push(await workshop.emptySave(second), withCommits);
    await workshop.autosave('ada', 'main', first);
    cleanUp.afterLaunch(session(third));
    await eventually(() => expect(lines('superseded autosave deleted')).toHaveLength(1));
    await eventually(() => expect(calls.filter((call) => call.includes('compare'))).toHaveLength(3));
    await cleanUp.stop();
    expect(await workshop.autosaves()).toEqual([withFile, withCommits].sort());
  });

  it('keeps an autosave to which another session saves after the comparison', async () => {
    const [first, second, third] = workshop.commits;
    const moved = await workshop.autosave('ada', 'main', first);
    const other = await workshop.autosave('ada', 'main', second);
    answer = (request, response) => {
      if (request.method !== 'GET' || !decodeURIComponent(request.url ?? '').includes(`^${moved}`)) return false;
      const branch = { name: moved, commit: { id: workshop.side, committed_date: '2025-01-01T00:00:00Z' } };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify([branch]));
      return true;
    };
    cleanUp.afterLaunch(session(third));
    await eventually(() => expect(calls.filter((call) => call.startsWith('GET branches'))).toHaveLength(3));
    await eventually(() => expect(lines('superseded autosave deleted')).toHaveLength(1));
    await cleanUp.stop();
    expect(await workshop.autosaves()).toEqual([moved]);
    expect(logged).toContain(other);
  });

  it('keeps autosaves that another session of the user can restore', async () => {
    const [first, second, third] = workshop.commits;
    const kept = await workshop.autosave('ada', 'main', first);
    await workshop.autosave('ada', 'main', second);
    cleanUp.afterLaunch(session(third, { commitsInUse: [first] }));
    await eventually(() => expect(lines('superseded autosave deleted')).toHaveLength(1));
    expect(await workshop.autosaves()).toEqual([kept]);
  });

  it('keeps the autosaves of a commit that GitLab does not know, or that has the name of a tag', async () => {
    const [first, second, third] = workshop.commits;
    const unknown = 'renku/autosave/ada/main/1234567/1234567';
    const misleading = 'renku/autosave/ada/main/deadbee/deadbee';
    await workshop.push(second, unknown, misleading, 'deadbee');
    await workshop.autosave('ada', 'main', first);
    cleanUp.afterLaunch(session(third));
    await eventually(() => expect(lines('superseded autosave deleted')).toHaveLength(1));
    expect(await workshop.autosaves()).toEqual([unknown, misleading]);
  });

  it('looks up a commit once for all autosaves that started from it', async () => {
    const [first, second, third] = workshop.commits;
    const many = Array.from({ length: 5 }, (_, i) => `renku/autosave/ada/main/${first.slice(0, 7)}/000000${i}`);
    await workshop.push(first, ...many);
    await workshop.autosave('ada', 'main', second);
    cleanUp.afterLaunch(session(third));
    await eventually(() => expect(lines('superseded autosave deleted')).toHaveLength(6));
    expect(await workshop.autosaves()).toEqual([]);
    expect(calls.filter((call) => call.includes('merge_base'))).toHaveLength(2);
  });

  it('looks up at most as many commits as the limit allows', async () => {
    const [first, second, third] = workshop.commits;
    const kept = await workshop.autosave('ada', 'main', first, '2025-01-01T00:00:00Z');
    await workshop.autosave('ada', 'main', second, '2025-01-02T00:00:00Z');
    cleanUp = start({ commits: 1 });
    cleanUp.afterLaunch(session(third));
    await eventually(() => expect(lines('superseded autosave deleted')).toHaveLength(1));
    expect(await workshop.autosaves()).toEqual([kept]);
    expect(calls.filter((call) => call.includes('merge_base'))).toHaveLength(1);
  });

  it('compares at most as many autosaves as the limit allows, the newest first', async () => {
    const [first, second, third] = workshop.commits;
    const kept = await workshop.autosave('ada', 'main', first, '2025-01-01T00:00:00Z');
    await workshop.autosave('ada', 'main', second, '2025-01-02T00:00:00Z');
    cleanUp = start({ autosaves: 1 });
    cleanUp.afterLaunch(session(third));
    await eventually(() => expect(lines('superseded autosave deleted')).toHaveLength(1));
    await cleanUp.stop();
    expect(await workshop.autosaves()).toEqual([kept]);
    expect(calls.filter((call) => call.includes('compare'))).toHaveLength(1);
  });
});

describe('a failure', () => {
  let third: string;
  beforeEach(async () => {
    third = workshop.commits[2];
    await workshop.autosave('ada', 'main', workshop.commits[0]);
    await workshop.autosave('ada', 'main', workshop.commits[1]);
    calls = [];
  });
  const refuse = (status: number, body: object) => (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    return true;
  };

  it('of one deletion does not prevent the others', async () => {
    const isFirst = (url: string) => url.includes(workshop.commits[0].slice(0, 7));
    answer = (request, response) =>
      request.method === 'DELETE' && isFirst(request.url ?? '')
        ? refuse(400, { message: 'You are not allowed to.' })(request, response)
        : false;
    cleanUp.afterLaunch(session(third));
    await eventually(() => expect(lines('superseded autosave deleted')).toHaveLength(1));
    await eventually(() => expect(lines('GitLab did not allow the deletion')).toHaveLength(1));
    expect(logged).toContain('You are not allowed to.');
    expect(await workshop.autosaves()).toHaveLength(1);
  });

  it.each([
    [500, { message: '500' }],
    [429, { message: 'slow down' }],
    [401, { message: '401 Unauthorized' }],
    [404, { message: '404 Project Not Found' }],
  ])('of GitLab with %i only adds a line to the log', async (status, body) => {
    answer = refuse(status, body);
    // A limit is waited for, as long as there is time.
    cleanUp = start({ timeMs: 1_500 });
    cleanUp.afterLaunch(session(third));
    await eventually(() => expect(calls.length).toBeGreaterThan(0));
    if (status !== 404)
      await eventually(() => expect(lines('not all superseded autosaves were deleted')).toHaveLength(1));
    await cleanUp.stop();
    expect(calls.length).toBeLessThanOrEqual(status === 429 ? 4 : 2);
    expect(await workshop.autosaves()).toHaveLength(2);
  });

  it('of GitLab ends the clean-up for the waiting sessions, too', async () => {
    await cleanUp.stop();
    cleanUp = start({ concurrency: 1 });
    answer = refuse(500, { message: '500' });
    for (let i = 0; i < 20; i++) cleanUp.afterLaunch(session(third));
    await eventually(() => expect(lines('"dropped":19')).toHaveLength(1));
    await cleanUp.stop();
    expect(calls.length).toBeLessThanOrEqual(2);
  });

  it('processes many launches a few at a time, and leaves out too many', async () => {
    await cleanUp.stop();
    cleanUp = start({ concurrency: 2, waiting: 3 });
    let open = 0;
    let most = 0;
    answer = (_request, response) => {
      most = Math.max(most, ++open);
      response.on('close', () => open--);
      return false;
    };
    for (let i = 0; i < 10; i++) cleanUp.afterLaunch(session(third, { branch: 'none' }));
    await eventually(() => expect(calls).toHaveLength(5));
    expect(most).toBeLessThanOrEqual(2);
    expect(lines('too many launches are waiting')).toHaveLength(5);
  });

  it('of a silent GitLab ends at the time limit', async () => {
    await cleanUp.stop();
    cleanUp = start({ timeMs: 100 });
    answer = () => true;
    cleanUp.afterLaunch(session(third));
    await eventually(() => expect(lines('not all superseded autosaves were deleted')).toHaveLength(1));
  });

  it('stops with the service, and removes the waiting sessions', async () => {
    await cleanUp.stop();
    cleanUp = start({ concurrency: 1 });
    answer = () => true;
    for (let i = 0; i < 3; i++) cleanUp.afterLaunch(session(third));
    await eventually(() => expect(calls).toHaveLength(1));
    await cleanUp.stop();
    cleanUp.afterLaunch(session(third));
    expect(calls).toHaveLength(1);
    expect(lines('not all superseded autosaves were deleted')).toEqual([]);
  });
});
