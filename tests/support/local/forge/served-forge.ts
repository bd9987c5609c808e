import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { createForge, type Forge, type ForgeOptions } from '../../../../src/local/forge/forge.ts';

export const ada = { username: 'ada', name: 'Ada Lovelace', email: 'ada@example.org' };
export const bob = { username: 'bob', name: "Bob O'Neil", email: 'bob@example.org' };

export interface ServedForge {
  forge: Forge;
  /** Public address, with a prefix as in the local platform. */
  url: string;
  /** Folder for files of the test. */
  scratch: string;
  directory: string;
  /** Handles requests before the forge; returns true for those that it has handled. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean;
  close(): Promise<void>;
}

/** Where a forge listens, if others than this machine connect to it. */
export interface ForgeListener {
  readonly address: string;
  readonly port: number;
  /** The name of the address. */
  readonly host: string;
  readonly tls: { readonly key: string; readonly cert: string };
}

/** Starts a forge with an HTTP server, by default on a free port of 127.0.0.1. */
export async function serveForge(options: Partial<ForgeOptions> = {}, listener?: ForgeListener): Promise<ServedForge> {
  const scratch = mkdtempSync(join(tmpdir(), 'forge-test-'));
  const directory = options.directory ?? join(scratch, 'forge');
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    if (served.intercept(request, response)) return;
    request.url = (request.url ?? '/').replace(/^\/forge(?=[/?]|$)/, '') || '/';
    forge.handler(request, response);
  };
  const server = listener ? createTlsServer(listener.tls, handle) : createServer(handle);
  server.listen(listener?.port ?? 0, listener?.address ?? '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = listener ? `https://${listener.host}:${port}/forge` : `http://127.0.0.1:${port}/forge`;
  const stop = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    rmSync(scratch, { recursive: true, force: true });
  };
  const log = pino({ level: 'silent' });
  let forge: Forge;
  try {
    forge = await createForge({ localUser: ada, log, ...options, directory, publicUrl: url });
  } catch (error) {
    await stop();
    throw error;
  }
  const served: ServedForge = {
    forge,
    url,
    scratch,
    directory,
    intercept: () => false,
    async close() {
      await forge.close();
      await stop();
    },
  };
  return served;
}

/** Runs git without any configuration of a user. */
export async function runGit(directory: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('git', args, { cwd: directory, env: gitEnvironment() });
  return stdout.trimEnd();
}

export function gitEnvironment(): Record<string, string> {
  const person = { NAME: 'Test', EMAIL: 'test@example.org', DATE: '2025-01-01T00:00:00Z' };
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: '/nonexistent',
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    ...Object.fromEntries(
      Object.entries(person).flatMap(([key, value]) => [
        [`GIT_AUTHOR_${key}`, value],
        [`GIT_COMMITTER_${key}`, value],
      ]),
    ),
  };
}

/** Runs code as `python3 -c` does and returns what it printed. */
export async function runPython(directory: string, code: string): Promise<string> {
  const { stdout } = await promisify(execFile)('python3', ['-c', code], { cwd: directory, env: gitEnvironment() });
  return stdout;
}

/** Creates a working tree with one commit per entry of `commits`, on `main`. */
export async function makeRepository(directory: string, ...commits: Record<string, string>[]): Promise<string> {
  mkdirSync(directory, { recursive: true });
  await runGit(directory, 'init', '--quiet', '--initial-branch=main');
  for (const [index, files] of commits.entries()) await commitFiles(directory, files, `commit ${index + 1}`);
  return directory;
}

export async function commitFiles(directory: string, files: Record<string, string>, message: string): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
  await runGit(directory, 'add', '--all');
  await runGit(directory, 'commit', '--quiet', '--message', message);
  return runGit(directory, 'rev-parse', 'HEAD');
}

/** Returns the URL of a repository with credentials, for tests only. */
export function withToken(url: string, token: string): string {
  return url.replace('://', `://oauth2:${token}@`);
}
