import { readFileSync } from 'node:fs';
import {
  makeRepository,
  runGit,
  type ServedForge,
  serveForge,
  withToken,
} from '../support/local/forge/served-forge.ts';
import { machineAddress } from './cluster/addresses.ts';
import type { TestCluster } from './cluster/start.ts';
import { type OidcProvider, type OidcUser, startOidcProvider } from './oidc-provider.ts';

const ports = { gitlab: 8443, identityProvider: 8444 };

export const users = {
  ada: { sub: 'f:1:ada', preferred_username: 'ada', name: 'Ada Lovelace', email: 'ada@example.org' },
  bob: { sub: 'f:1:bob', preferred_username: 'bob', name: 'Bob Example', email: 'bob@example.org' },
} satisfies Record<string, OidcUser>;

export type UserName = keyof typeof users;

/** The servers of a platform besides Kubernetes: a GitLab and an identity provider, on this machine. */
export interface Backends {
  readonly gitUrl: string;
  readonly issuer: string;
  /** Tokens of the users for the GitLab. */
  readonly gitTokens: Readonly<Record<UserName, string>>;
  /** Commits of `demo/first-light` (public) and of `ada/private` (private to Ada). */
  readonly commits: { readonly public: string; readonly private: string };
}

export interface RunningBackends extends Backends {
  close(): Promise<void>;
}

/** Starts the forge of the local platform as the GitLab, and an identity provider. Both use TLS. */
export async function startBackends({ certificates }: TestCluster): Promise<RunningBackends> {
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
  const gitTokens = { ada: tokenOf(users.ada), bob: tokenOf(users.bob) };
  return {
    gitUrl: gitlab.url,
    issuer: provider.issuer,
    gitTokens,
    commits: await createProjects(gitlab, gitTokens.ada),
    async close() {
      await provider.close();
      await gitlab.close();
    },
  };
}

async function createProjects({ forge, url, scratch }: ServedForge, token: string): Promise<Backends['commits']> {
  await forge.ensureDemoProject();
  const members = [{ username: 'ada', accessLevel: 50 }];
  await forge.createProject({ namespace: 'ada', path: 'private', visibility: 'private', members });
  const work = await makeRepository(`${scratch}/private`, { 'only-for-ada.txt': 'private\n' });
  // The certificate of the forge is checked by the tests, not by this push.
  const git = (...args: string[]) => runGit(work, '-c', 'http.sslVerify=false', ...args);
  await git('push', '--quiet', withToken(`${url}/ada/private.git`, token), 'main');
  const [demo = ''] = (await git('ls-remote', `${url}/demo/first-light.git`, 'HEAD')).split('\t');
  return { public: demo, private: await git('rev-parse', 'HEAD') };
}
