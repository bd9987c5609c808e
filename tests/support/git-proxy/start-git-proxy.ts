import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { gitProxyFile } from '../../../src/session-contract/agent.ts';
import { credentialFile, gitProxyOrigin, gitProxyVariable } from '../../../src/session-contract/git-proxy.ts';
import { writePrivateFiles } from '../../../src/session-tools/git-clone/private-folder.ts';
import { freePorts } from '../free-ports.ts';
import { waitFor } from '../wait-for.ts';

export const program = join(import.meta.dirname, '../../../src/session-tools/git-proxy/main.ts');

/** Returns the certificate of a server on this machine, which is its own authority. */
export async function localCertificate(names: readonly string[] = ['localhost']) {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'test' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: names.map((value) => ({ type: 2 as const, value })) }],
  });
  return { key, cert };
}

export interface GitProxySetup {
  readonly repositoryUrl: string;
  readonly gitToken?: string;
  readonly gitTokenExpiresAt?: number;
  readonly accessToken?: string;
  readonly refreshToken?: string;
  readonly platformUrl?: string;
  /** Certificate authorities, PEM. */
  readonly authorities?: string;
  readonly variables?: Partial<Record<keyof typeof gitProxyVariable, string>>;
}

export interface StartedGitProxy extends AsyncDisposable {
  readonly origin: string;
  readonly healthPort: number;
  readonly key: string;
  readonly folder: string;
  readonly process: ChildProcess;
  readonly output: () => string;
  /** Variables for git in the session. */
  readonly gitVariables: Readonly<Record<string, string>>;
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
}

/** Starts the real program with the files and the environment of its container. */
export async function startGitProxy(setup: GitProxySetup): Promise<StartedGitProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'git-proxy-test-'));
  const [port = 0, healthPort = 0] = await freePorts(2);
  const credentials = join(folder, 'credentials');
  mkdirSync(credentials);
  for (const name of ['gitToken', 'accessToken', 'refreshToken'] as const) {
    const value = setup[name];
    if (value !== undefined) writeFileSync(join(credentials, credentialFile[name]), value, { mode: 0o600 });
  }
  const privateFolder = join(folder, 'private');
  await writePrivateFiles({ folder: privateFolder, proxy: { host: '127.0.0.1', port } }, setup.repositoryUrl);
  const authorities = join(folder, 'authorities.pem');
  if (setup.authorities !== undefined) writeFileSync(authorities, setup.authorities);
  const child = spawn(process.execPath, [program], {
    env: {
      PATH: process.env['PATH'] ?? '',
      ...(setup.authorities === undefined ? {} : { SSL_CERT_FILE: authorities }),
      ...named({
        repositoryUrl: setup.repositoryUrl,
        port: String(port),
        healthPort: String(healthPort),
        credentialsFolder: credentials,
        privateFolder,
        gitTokenExpiresAt: String(setup.gitTokenExpiresAt ?? -1),
        ...(setup.platformUrl === undefined ? {} : { platformUrl: setup.platformUrl }),
        ...setup.variables,
      }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const listening = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.includes('listens on')) listening.resolve();
    });
  }
  const ended = once(child, 'close').then(() => child.exitCode);
  void ended.then(() => listening.reject(new Error(`the git proxy has ended: ${output}`)));
  await waitFor(listening.promise, 'the git proxy');
  return {
    origin: gitProxyOrigin('127.0.0.1', port),
    healthPort,
    key: readFileSync(join(privateFolder, gitProxyFile.key), 'utf8').trim(),
    folder: privateFolder,
    process: child,
    output: () => output,
    gitVariables: { GIT_CONFIG_SYSTEM: join(privateFolder, gitProxyFile.configuration), GIT_CONFIG_NOSYSTEM: '' },
    ended,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const named = (values: Partial<Record<keyof typeof gitProxyVariable, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [gitProxyVariable[name as keyof typeof gitProxyVariable], value]),
  );
