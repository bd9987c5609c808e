import type { NotebookResponse } from '../../src/generated/openapi.ts';
import { startBackEnds } from '../backends.ts';
import type { Figure, Report, Size } from '../figure.ts';
import { load } from '../load.ts';
import { addPod, logWriter } from '../log-writer.ts';
import { processorMs } from '../processor-time.ts';
import { startService } from '../service.ts';
import { addSessionsOfOthers, branchNames, launchOf, launchSessions, pushBranches } from '../sessions.ts';

const connections = 8;

export const processor: Figure = {
  name: 'processor',
  about: 'processor time of the service per request, for each route',
  run: measure,
};

async function measure(report: Report, { rounds, part }: Size): Promise<void> {
  const launches = part(60);
  await using backEnds = await startBackEnds({ node: logWriter() });
  await using service = await startService(backEnds);
  const branches = branchNames(10 + launches);
  const commit = await pushBranches(backEnds, branches);
  const [name = ''] = await launchSessions(backEnds, service, branches.slice(0, 10), commit);
  addPod(backEnds, name);
  addSessionsOfOthers(backEnds, name, part(990));

  const row = (what: string, measured: number) => report.row({ what: `processor time, ${what}`, measured, unit: 'ms' });

  const image = encodeURIComponent(backEnds.serviceEnvironment['NB_SESSIONS__DEFAULT_IMAGE'] ?? '');
  const reads = {
    'GET /servers, 10 own of 1,000': '/servers',
    'GET /servers/{name}': `/servers/${name}`,
    'GET /logs/{name}': `/logs/${name}`,
    'GET /images': `/images?image_url=${image}`,
    'GET /projects': '/projects',
    'GET /version': '/version',
    'GET /spec.json': '/spec.json',
  };
  for (const [what, path] of Object.entries(reads)) {
    report.progress(what);
    const costs: number[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      const before = processorMs(service.pid);
      const { requests } = await load(service.url + path, { headers: service.headers, connections, seconds: 0.7 });
      // The first request is a warm-up.
      if (round > 0) costs.push((processorMs(service.pid) - before) / requests);
    }
    row(what, Math.min(...costs));
  }

  report.progress(`${launches} launches and deletions`);
  const made: string[] = [];
  const each = async (what: string, act: (branch: string, index: number) => Promise<unknown>) => {
    const before = processorMs(service.pid);
    for (const [index, branch] of branches.slice(10).entries()) await act(branch, index);
    row(what, (processorMs(service.pid) - before) / launches);
  };
  await each('POST of a new session', async (branch) => {
    const { text } = await service.call('POST', '/servers', [201], launchOf(branch, commit));
    made.push((JSON.parse(text) as NotebookResponse).name);
  });
  await each('POST of an existing session', (branch) =>
    service.call('POST', '/servers', [200], launchOf(branch, commit)),
  );
  await each('DELETE /servers/{name}', (_branch, index) =>
    service.call('DELETE', `/servers/${made[index]}?forced=true`, [204]),
  );
}
