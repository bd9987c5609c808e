import { randomBytes } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gitProxyFile } from '../../session-contract/agent.ts';
import { gitProxyOrigin, gitProxyUrl, gitProxyUser } from '../../session-contract/git-proxy.ts';

export interface PrivateFolder {
  readonly folder: string;
  /** Address of the git proxy. */
  readonly proxy: { readonly host: string; readonly port: number };
}

/**
 * Writes the files with which git in the session uses the git proxy: a system-level configuration, so that neither the repository
 * nor the user's configuration has anything of it, and the proxy's key. The folder belongs to the pod and not to the volume.
 */
export async function writePrivateFiles({ folder, proxy }: PrivateFolder, repositoryUrl: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const origin = gitProxyOrigin(proxy.host, proxy.port);
  const file = (name: keyof typeof gitProxyFile) => join(folder, gitProxyFile[name]);
  const repository = new URL(repositoryUrl);
  await writePrivate(file('key'), `${randomBytes(32).toString('base64url')}\n`);
  await writePrivate(file('helper'), credentialHelper(file('key'), repository));
  await writePrivate(file('configuration'), gitConfiguration(origin, repository, file('helper')));
}

/** Replaces a file in one step: a running session may read it. */
async function writePrivate(path: string, content: string): Promise<void> {
  const temporary = `${path}.new`;
  await writeFile(temporary, content, { mode: 0o600 });
  await rename(temporary, path);
}

/** The system configuration of images: git of Debian and others, and of conda. A missing file is ignored. */
const systemFiles = ['/etc/gitconfig', '/opt/conda/etc/gitconfig'];

/** Returns the configuration for git in the session. */
export function gitConfiguration(proxy: string, repository: URL, helper: string): string {
  const { protocol, host } = repository;
  const defaultPort = protocol === 'https:' ? 443 : 80;
  const prefixes = [
    `${protocol}//${host}/`,
    ...(repository.port === '' ? [`${protocol}//${host}:${defaultPort}/`] : []),
  ];
  return [
    '# The git configuration of this session, in addition to that of the image. git reads it because of GIT_CONFIG_SYSTEM.',
    '[include]',
    ...systemFiles.map((path) => `\tpath = ${path}`),
    '# Requests go through the git proxy of the session, which has the credentials for its repository.',
    `[url ${quoted(gitProxyUrl(proxy, new URL('/', repository)))}]`,
    ...prefixes.map((prefix) => `\tinsteadOf = ${quoted(prefix)}`),
    `[credential ${quoted(proxy)}]`,
    '\thelper =',
    `\thelper = ${quoted(`!sh ${shellQuoted(helper)}`)}`,
    '\tuseHttpPath = true',
    `[http ${quoted(`${proxy}/`)}]`,
    '# No other proxy in between, and no first request without the key (git >= 2.46).',
    '\tproxy =',
    '\tproactiveAuth = basic',
    '# The addresses in responses of the LFS server are rewritten, too.',
    '[lfs "transfer"]',
    '\tenablehrefrewrite = true',
    '',
  ].join('\n');
}

/**
 * Returns the credential helper for the proxy's address, a program of the shell. git calls it with the address at the proxy. For
 * another repository of the same host it adds the user's own credentials, if a helper of the user has them.
 */
export function credentialHelper(keyFile: string, repository: URL): string {
  const own = gitProxyUrl('', repository)
    .slice(1)
    .replace(/\/+$/, '')
    .replace(/\.git$/, '');
  return `# The credential helper of git for the git proxy of the session.
test "$1" = get || exit 0
key=$(cat ${shellQuoted(keyFile)}) || exit 0
path= user= password=
while IFS= read -r line && test -n "$line"; do
  case $line in path=*) path=\${line#path=} ;; esac
done
case $path/ in
${shellQuoted(`${own}/`)}* | ${shellQuoted(`${own}.git/`)}*) ;;
http/*/* | https/*/*)
  rest=\${path#*/}
  own=$(printf 'protocol=%s\\nhost=%s\\npath=%s\\n\\n' "\${path%%/*}" "\${rest%%/*}" "\${rest#*/}" |
    GIT_TERMINAL_PROMPT=0 GIT_ASKPASS= SSH_ASKPASS= git credential fill 2>/dev/null)
  user=$(printf '%s\\n' "$own" | sed -n 's/^username=//p')
  password=$(printf '%s\\n' "$own" | sed -n 's/^password=//p')
  ;;
esac
if test -n "$password"; then
  printf 'username=%s\\npassword=%s:%s\\n' "$user" "$key" "$password"
else
  printf 'username=${gitProxyUser}\\npassword=%s\\n' "$key"
fi
`;
}

const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;

const shellQuoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
