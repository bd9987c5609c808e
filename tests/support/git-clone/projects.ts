import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runGit, type ServedForge, withToken } from '../local/forge/served-forge.ts';
import type { CloneVariables } from './run-clone.ts';

/** The forge to which ada pushes projects with this token, and the directory for clones. */
export interface Place {
  readonly served: ServedForge;
  readonly token: string;
  readonly directory: string;
}

/** Pushes a working tree as a private project of ada. Returns the variables to clone its last commit. */
export async function publishProject(
  { served, token, directory }: Place,
  tree: string,
  path: string,
  commit?: string,
): Promise<CloneVariables> {
  await served.forge.createProject({ namespace: 'team', path, members: [{ username: 'ada', accessLevel: 30 }] });
  await runGit(
    tree,
    'push',
    '--quiet',
    withToken(`${served.url}/team/${path}.git`, token),
    `${commit ?? 'HEAD'}:refs/heads/main`,
  );
  return {
    repositoryUrl: `${served.url}/team/${path}.git`,
    gitUrl: served.url,
    branch: 'main',
    commitSha: commit ?? (await runGit(tree, 'rev-parse', 'HEAD')),
    oauthToken: token,
    mountPath: directory,
    timeoutSeconds: '20',
  };
}

/** Adds a submodule as `git submodule add` does, without fetching it. */
export async function addSubmodule(tree: string, path: string, url: string, sha: string): Promise<void> {
  const file = join(tree, '.gitmodules');
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  writeFileSync(file, `${before}[submodule "${path}"]\n\tpath = ${path}\n\turl = ${url}\n`);
  await runGit(tree, 'update-index', '--add', '--cacheinfo', `160000,${sha},${path}`);
  await runGit(tree, 'add', '.gitmodules');
  await runGit(tree, 'commit', '--quiet', '--message', `add ${path}`);
}
