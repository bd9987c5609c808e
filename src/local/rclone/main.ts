/**
 * Prints the path of rclone, which it installs if necessary, for the agents of sessions: `main.ts PYTHON CACHE_FOLDER`. The lines
 * before the path are its progress.
 */
import { findRclone } from './install.ts';

const [python = '', cacheDir = ''] = process.argv.slice(2);
const path = process.env['PATH'] ?? '';
const ended = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => ended.abort());
const print = (line: string) => void process.stdout.write(`${line}\n`);
try {
  print(await findRclone({ python, cacheDir, path }, print, ended.signal));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
