import { mkdirSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { commitFiles, makeRepository, runGit } from '../support/local/forge/served-forge.ts';

/** Handles a request to `/forge/faults/PROJECT.git/...` in place of the forge; returns false if the forge handles the request. */
type GitFault = (request: IncomingMessage, response: ServerResponse) => boolean;

/** What git meets in the public projects of the group `faults`, whose API works. */
const faults = {
  gone: respond(404),
  unavailable: respond(503),
  /** Each transfer ends in the middle. */
  interrupted: (request, response) => {
    if (request.method !== 'POST') return false;
    response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' });
    response.write('0008NAK\n', () => request.socket.destroy());
    return true;
  },
  /** The repository of another project. */
  replaced: (request) => {
    request.url = request.url?.replace('/faults/replaced.git/', '/demo/first-light.git/') ?? '/';
    return false;
  },
  /** The repository itself. See `faultyRepository`. */
  content: () => false,
} satisfies Record<string, GitFault>;

export type FaultyProject = keyof typeof faults;
export const faultyProjects = Object.keys(faults).filter(isFaulty);

/** A branch that the projects have for the API, and `replaced` does not have for git. */
export const missingBranch = 'only-in-the-api';

function isFaulty(path: string): path is FaultyProject {
  return Object.hasOwn(faults, path);
}

export type Outage = 'away' | 'silent';

/** What git meets in any project, while a test has set it. */
const outages: Readonly<Record<Outage, GitFault>> = {
  /** The connection ends without a response. */
  away: (request) => {
    request.socket.destroy();
    return true;
  },
  /** A push gets no response. */
  silent: (request) => /git-receive-pack/.test(request.url ?? ''),
};

/** The outages by the path of the project: `ada/work`. */
const present = new Map<string, Outage>();

/** Requests of tests, which run in other processes than the forge: `PUT /outages/away/ada/work` and `DELETE`. */
function setOutage(request: IncomingMessage, response: ServerResponse): boolean {
  const [, kind = '', project = ''] = /^\/outages\/(\w+)\/(.+)$/.exec(request.url ?? '') ?? [];
  if (!isOutage(kind)) return false;
  if (request.method === 'PUT') present.set(project, kind);
  else present.delete(project);
  response.writeHead(204).end();
  return true;
}

function isOutage(kind: string): kind is Outage {
  return Object.hasOwn(outages, kind);
}

/** Applies the fault of the project that git addresses. */
export const interceptGit: GitFault = (request, response) => {
  if (setOutage(request, response)) return true;
  const outage = present.get(/^\/forge\/(.+?)\.git\//.exec(request.url ?? '')?.[1] ?? '');
  if (outage !== undefined && outages[outage](request, response)) return true;
  const [, project = ''] = /^\/forge\/faults\/(\w+)\.git\//.exec(request.url ?? '') ?? [];
  return isFaulty(project) && faults[project](request, response);
};

function respond(status: number): GitFault {
  return (_request, response) => {
    response.writeHead(status).end();
    return true;
  };
}

/** Creates a repository with a submodule that does not exist, and a file in Git LFS that is larger than any disk. */
export async function faultyRepository(directory: string, forgeUrl: string): Promise<string> {
  await makeRepository(directory, { 'README.md': 'faulty\n' });
  // An empty folder is a submodule that is not cloned; without it, git would remove the submodule from the commit.
  mkdirSync(join(directory, 'lost'));
  const commit = await runGit(directory, 'rev-parse', 'HEAD');
  await runGit(directory, 'update-index', '--add', '--cacheinfo', `160000,${commit},lost`);
  const files = {
    '.gitmodules': `[submodule "lost"]\n\tpath = lost\n\turl = ${forgeUrl}/faults/nothing.git\n`,
    '.gitattributes': '*.huge filter=lfs diff=lfs merge=lfs -text\n',
    'data.huge': `version https://git-lfs.github.com/spec/v1\noid sha256:${'ab'.repeat(32)}\nsize ${10 ** 15}\n`,
  };
  await commitFiles(directory, files, 'add content that cannot be fetched');
  await runGit(directory, 'branch', missingBranch);
  return directory;
}
