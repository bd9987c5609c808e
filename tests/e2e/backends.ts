import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  makeRepository,
  runGit,
  type ServedForge,
  serveForge,
  withToken,
} from '../support/local/forge/served-forge.ts';
import { machineAddress } from './cluster/addresses.ts';
import type { TestCluster } from './cluster/start.ts';
import { faultyProjects, faultyRepository, interceptGit, missingBranch } from './faulty-projects.ts';
import { type OidcProvider, type OidcUser, startOidcProvider } from './oidc-provider.ts';
import { workBranch, workRepository } from './work-project.ts';

/** Of the servers on this machine. Pods of sessions may connect to them. */
export const ports = { gitlab: 8443, identityProvider: 8444, webdav: 8445 };

export const users = {
  ada: { sub: 'f:1:ada', preferred_username: 'ada', name: 'Ada Lovelace', email: 'ada@example.org' },
  bob: { sub: 'f:1:bob', preferred_username: 'bob', name: 'Bob Example', email: 'bob@example.org' },
  carol: { sub: 'f:1:carol', preferred_username: 'carol', name: 'Carol Example', email: 'carol@example.org' },
  dora: { sub: 'f:1:dora', preferred_username: 'dora', name: 'Dora Example', email: 'dora@example.org' },
  emil: { sub: 'f:1:emil', preferred_username: 'emil', name: 'Emil Example', email: 'emil@example.org' },
  frida: { sub: 'f:1:frida', preferred_username: 'frida', name: 'Frida Example', email: 'frida@example.org' },
} satisfies Record<string, OidcUser>;

export type UserName = keyof typeof users;

/** The servers of a platform besides Kubernetes: a GitLab and an identity provider, on this machine. */
export interface Backends {
  readonly gitUrl: string;
  readonly issuer: string;
  /** Tokens of the users for the GitLab. */
  readonly gitTokens: Readonly<Record<UserName, string>>;
  /** Commits of `demo/first-light` and `faults/*` (public), and of `ada/private` and `ada/work` (private to Ada). */
  readonly commits: Readonly<Record<'public' | 'private' | 'faults' | 'work', string>>;
}

export interface RunningBackends extends Backends {
  close(): Promise<void>;
}

/** Starts the forge of the local platform as the GitLab, and an identity provider. Both use TLS. */
export async function startBackends({ certificates, registry }: TestCluster): Promise<RunningBackends> {
  const { key, cert } = certificates.machine;
  const tls = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  const at = { address: machineAddress, tls };
  const gitlab = await serveForge({}, { ...at, port: ports.gitlab, host: 'gitlab.host.test' });
  const provider: OidcProvider = await startOidcProvider({
    ...{ ...at, port: ports.identityProvider, host: 'auth.host.test' },
    users: Object.values(users),
  });
  const tokenOf = ({ preferred_username: username, name, email }: OidcUser) =>
    gitlab.forge.issueToken({ username, name, email }).token;
  // As a GitLab does, the registry accepts the tokens of users, with the name oauth2.
  const { ada, bob, carol, dora, emil, frida } = users;
  const gitTokens = {
    ...{ ada: tokenOf(ada), bob: tokenOf(bob), carol: tokenOf(carol) },
    ...{ dora: tokenOf(dora), emil: tokenOf(emil), frida: tokenOf(frida) },
  };
  appendFileSync(registry.loginFile, `oauth2:${gitTokens.ada}\n`);
  const commits = await createProjects(gitlab, gitTokens.ada);
  gitlab.intercept = interceptGit;
  return {
    gitUrl: gitlab.url,
    issuer: provider.issuer,
    gitTokens,
    commits,
    async close() {
      await provider.close();
      await gitlab.close();
    },
  };
}

async function createProjects({ forge, url, scratch }: ServedForge, token: string): Promise<Backends['commits']> {
  await forge.ensureDemoProject();
  const members = [{ username: 'ada', accessLevel: 50 }];
  for (const path of ['private', 'work'])
    await forge.createProject({ namespace: 'ada', path, visibility: 'private', members });
  for (const path of faultyProjects)
    await forge.createProject({ namespace: 'faults', path, visibility: 'public', members });

  // The tests check the certificate of the forge; these pushes do not.
  const git = (work: string, ...args: string[]) => runGit(work, '-c', 'http.sslVerify=false', ...args);
  const push = async (work: string, path: string, ...branches: string[]) =>
    git(work, 'push', '--quiet', withToken(`${url}/${path}.git`, token), 'main', ...branches);
  const own = await makeRepository(join(scratch, 'private'), { 'only-for-ada.txt': 'private\n' });
  await push(own, 'ada/private');
  const faulty = await faultyRepository(join(scratch, 'faults'), url);
  for (const path of faultyProjects) await push(faulty, `faults/${path}`, missingBranch);
  const [demo = ''] = (await git(own, 'ls-remote', `${url}/demo/first-light.git`, 'HEAD')).split('\t');
  const work = await workRepository(join(scratch, 'work'), { url, commit: demo });
  await push(work, 'ada/work', workBranch);
  return {
    public: demo,
    private: await git(own, 'rev-parse', 'HEAD'),
    faults: await git(faulty, 'rev-parse', 'HEAD'),
    work: await git(work, 'rev-parse', 'HEAD'),
  };
}
