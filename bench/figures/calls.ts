import type { ApiServer } from '../../src/local/api-server/api-server.ts';
import { startBackEnds } from '../backends.ts';
import type { Figure, Report, Row, Size } from '../figure.ts';
import { startService } from '../service.ts';
import { addSessionsOfOthers, branchNames, launchOf, launchSessions, pushBranches } from '../sessions.ts';

export const calls: Figure = {
  name: 'calls',
  about: 'calls to the API server per request, counted by it',
  run: measure,
};

async function measure(report: Report, { part }: Size): Promise<void> {
  const times = part(50);
  await using backEnds = await startBackEnds();
  await using service = await startService(backEnds);
  const branches = branchNames(10 + times);
  const commit = await pushBranches(backEnds, branches);
  const names = await launchSessions(backEnds, service, branches.slice(0, 10), commit);
  const [first = ''] = names;
  addSessionsOfOthers(backEnds, first, part(990));

  /** The maximum of all requests. */
  async function count(
    what: string,
    target: Row['target'],
    request: (index: number) => Promise<unknown>,
  ): Promise<void> {
    let most = 0;
    for (let index = 0; index < times; index += 1) {
      const before = callsTo(backEnds.api);
      await request(index);
      most = Math.max(most, callsTo(backEnds.api) - before);
    }
    report.row({ what, measured: most, unit: 'calls', ...(target ? { target } : {}) });
  }

  const none = { of: 'value', atMost: 0 } as const;
  const body = (branch: string | undefined) => launchOf(branch ?? '', commit);
  await count('API-server calls, GET /servers', none, () => service.call('GET', '/servers', [200]));
  await count('API-server calls, GET /servers/{name}', none, () => service.call('GET', `/servers/${first}`, [200]));
  await count('API-server calls, POST of an existing session', undefined, () =>
    service.call('POST', '/servers', [200], body(branches[0])),
  );
  await count('API-server calls, POST of a new session', { of: 'value', atMost: 3 }, (index) =>
    service.call('POST', '/servers', [201], body(branches[10 + index])),
  );
}

/** Without the list and the watches of the cache, which do not depend on the number of requests. */
function callsTo(api: ApiServer): number {
  return Object.entries(api.callCount())
    .filter(([name]) => name !== 'list jupyterservers' && name !== 'watch jupyterservers')
    .reduce((sum, [, count]) => sum + count, 0);
}
