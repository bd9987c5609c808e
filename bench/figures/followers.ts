import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { startBackEnds } from '../backends.ts';
import type { Figure, Report, Size } from '../figure.ts';
import { addPod, logWriter } from '../log-writer.ts';
import { type ServiceUnderTest, startService } from '../service.ts';
import { branchNames, containers, launchSessions, pushBranches } from '../sessions.ts';

const allFollowers = 200;
/** Readers that connect at the same time: fewer than the requests in progress that the service allows one user. */
const connecting = 50;
const eventWithinMs = 30_000;

export const logFollowers: Figure = {
  name: 'followers',
  about: `${allFollowers} readers of one session's logs, and their connections to the API server`,
  run: measure,
};

async function measure(report: Report, { part }: Size): Promise<void> {
  const followers = 1 + part(allFollowers - 1);
  await using backEnds = await startBackEnds({ node: logWriter() });
  await using service = await startService(backEnds);
  const [branch = ''] = branchNames(1);
  const [name = ''] = await launchSessions(backEnds, service, [branch], await pushBranches(backEnds, [branch]));
  addPod(backEnds, name);

  const calls: ClientRequest[] = [];
  try {
    const first = await follow(service, name, calls);
    if (first !== 'events') throw new Error(`GET /logs/{name}?follow=true ${first}`);
    report.progress('one reader follows; the others connect');
    for (let left = followers - 1; left > 0; left -= connecting) {
      const group = Array.from({ length: Math.min(left, connecting) }, () => follow(service, name, calls));
      const without = (await Promise.all(group)).find((answer) => answer !== 'events');
      if (without !== undefined) throw new Error(`a reader got no event: ${without}`);
    }
    const asked = backEnds.log.calls.filter(({ path }) => path.endsWith('/log'));
    const all = containers.init.length + containers.regular.length;
    report.row({
      what: `log calls to the API server for ${followers} followers`,
      measured: asked.length,
      unit: 'calls',
      baseline: { is: 'one per reader and container', measured: followers * all },
    });
    report.row({
      what: `  of them open at once, ${all} containers`,
      measured: asked.filter(({ ended }) => ended === Number.POSITIVE_INFINITY).length,
      unit: 'streams',
      target: { of: 'value', atMost: all },
    });
  } finally {
    for (const call of calls) call.destroy();
  }
}

/** Resolves after the first event, or with the reason why there is none. The stream stays open. */
function follow(service: ServiceUnderTest, name: string, calls: ClientRequest[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { ...service.headers, accept: 'text/event-stream, application/json' };
    const call = request(`${service.url}/logs/${name}?follow=true`, { headers, agent: false });
    calls.push(call);
    const late = setTimeout(() => resolve(`gave no event within ${eventWithinMs} ms`), eventWithinMs);
    const answer = (text: string) => {
      clearTimeout(late);
      resolve(text);
    };
    call.on('error', (error) => {
      clearTimeout(late);
      reject(error);
    });
    call.on('response', (response: IncomingMessage) => {
      response.on('error', () => undefined);
      const type = response.headers['content-type'] ?? 'nothing';
      if (!type.startsWith('text/event-stream')) {
        response.resume();
        answer(`has a response of type ${type} (${response.statusCode})`);
        return;
      }
      response.on('data', (chunk: Buffer) => chunk.includes('data:') && answer('events'));
      response.on('end', () => answer('ended without an event'));
    });
    call.end();
  });
}
