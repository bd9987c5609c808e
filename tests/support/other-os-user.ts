import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';

/** Uid of `nobody` on every Linux: owns no files, and is not the user that runs the tests. */
export const otherUser = { uid: 65_534, gid: 65_534 };

/** Declares a suite that runs programs as another operating-system user. Skips it with a message unless run as root. */
export function describeAsOtherUser(name: string, body: () => void): void {
  if (process.getuid?.() === 0) describe(name, body);
  else {
    process.stderr.write(
      `\n  SKIPPED: ${name}. It runs programs as another user of this machine, which only root can do.\n\n`,
    );
    describe.skip(name, body);
  }
}

export interface Ran {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program as another operating-system user, in a folder of its own, without the environment of the tests. */
export function runAsOther(command: string, args: readonly string[], env: Record<string, string> = {}): Ran {
  const home = mkdtempSync(join(tmpdir(), 'other-user-'));
  try {
    spawnSync('chown', [`${otherUser.uid}:${otherUser.gid}`, home]);
    const { status, stdout, stderr } = spawnSync(command, args, {
      ...otherUser,
      cwd: home,
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: home, GIT_TERMINAL_PROMPT: '0', ...env },
      encoding: 'utf8',
      timeout: 120_000,
    });
    return { exitCode: status, stdout, stderr };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Returns what curl gets as another operating-system user. */
export function curlAsOther(url: string, ...options: string[]): { status: number; body: string } {
  const { stdout } = runAsOther('curl', ['-s', '--max-time', '20', '-w', '\n%{http_code}', ...options, url]);
  const end = stdout.lastIndexOf('\n');
  return { status: Number(stdout.slice(end + 1)), body: stdout.slice(0, end) };
}

/** Returns the status of a WebSocket handshake as another operating-system user; 101 means that it was accepted. */
export function webSocketAsOther(url: string, ...options: string[]): number {
  const handshake = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
  const key = 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==';
  const headers = [...handshake, key].flatMap((header) => ['-H', header]);
  return curlAsOther(url, '--http1.1', '--max-time', '3', ...headers, ...options).status;
}
