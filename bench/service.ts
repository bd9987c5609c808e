import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { header } from '../src/identity/refusal.ts';
import { Deadline } from '../src/lib/deadline.ts';
import { type BackEnds, person } from './backends.ts';
import { imageCommand } from './image.ts';
import { untilAnswered } from './until-answered.ts';

/** With 10,000 sessions on a busy machine. */
const startMs = 120_000;
const lookEveryMs = 20;

export interface ServiceUnderTest extends AsyncDisposable {
  readonly pid: number;
  /** The folder with the log, `service.log`, which the next service of the figure replaces. */
  readonly directory: string;
  /** `http://127.0.0.1:PORT/notebooks` */
  readonly url: string;
  /** The headers that a gateway adds for the user. */
  readonly headers: Record<string, string>;
  /** Throws with the response if its status is not in `expected`. */
  call(
    method: string,
    path: string,
    expected: readonly number[],
    body?: object,
  ): Promise<{ status: number; text: string }>;
}

/**
 * Starts the service as its image does, as a separate process with the given back ends. It writes its log to a file, because the
 * log is part of the cost of a request.
 */
export async function startService(backEnds: BackEnds): Promise<ServiceUnderTest> {
  const logFile = join(backEnds.directory, 'service.log');
  rmSync(logFile, { force: true });
  const output = openSync(logFile, 'a', 0o600);
  const { SOCKET: _socket, ...environment } = backEnds.serviceEnvironment;
  const flags = process.env['BENCH_SERVICE_FLAGS']?.split(' ') ?? [];
  const { args, env } = imageCommand('service');
  const child = spawn(process.execPath, [...flags, ...args], {
    env: { ...environment, ...env, HOST: '127.0.0.1', PORT: '0' },
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const ended = once(child, 'exit');
  const starting = new AbortController();
  child.once('exit', () => starting.abort());
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  let port: number;
  try {
    const deadline = Deadline.after(startMs, starting.signal);
    port = await portIn(logFile, deadline);
    await untilAnswered({ url: `http://127.0.0.1:${port}/ready`, deadline });
  } catch (cause) {
    await stop();
    throw new Error(`the service did not start:\n${readFileSync(logFile, 'utf8').slice(-4000)}`, { cause });
  }
  const url = `http://127.0.0.1:${port}/notebooks`;
  const headers = gatewayHeaders(backEnds);
  return {
    pid: child.pid as number,
    directory: backEnds.directory,
    url,
    headers,
    async call(method, path, expected, body) {
      const response = await fetch(url + path, {
        method,
        headers: { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      const text = await response.text();
      if (!expected.includes(response.status)) throw new Error(`${method} ${path}: ${response.status} ${text}`);
      return { status: response.status, text };
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** Returns the port from the log of the service; a port chosen before the start could be in use. */
async function portIn(logFile: string, deadline: Deadline): Promise<number> {
  while (!deadline.expired) {
    const found = /"address":\{[^}]*"port":(\d+)/.exec(readFileSync(logFile, 'utf8'))?.[1];
    if (found !== undefined) return Number(found);
    await wait(lookEveryMs);
  }
  throw deadline.exceeded('the start of the service');
}

function gatewayHeaders({ forge, gitUrl }: BackEnds): Record<string, string> {
  const { token } = forge.issueToken(person);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const { username: preferred_username, name, email } = person;
  const claims = { iss: 'https://idp.example.org', sub: 'ada-1815', preferred_username, name, email };
  const credentials = { [gitUrl]: { AuthorizationHeader: `bearer ${token}`, AccessTokenExpiresAt: null } };
  // As long as the tokens of a real identity provider, because each request sends, parses and decodes them.
  const jwt = `${part({ alg: 'RS256', kid: 'bench', typ: 'JWT' })}.${part(claims)}.${'s'.repeat(342)}`;
  return {
    [header.accessToken]: jwt,
    [header.idToken]: jwt,
    [header.refreshToken]: jwt,
    [header.gitCredentials]: Buffer.from(JSON.stringify(credentials)).toString('base64'),
  };
}
