import { execFileSync } from 'node:child_process';

/** The interpreter itself: `python3` on PATH may be a wrapper that changes the environment. */
export const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
