import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { sessionPython } from './supervisor.ts';

/** criu for the tests, or why it cannot be used on this machine. */
export type TestCriu = { readonly program: string } | { readonly missing: string };

const test = `
import sys, threading
sys.path.insert(0, sys.argv[1])
from session_kernels.snapshots.criu import Criu
from session_kernels.supervisor.children import Children, adopt_orphans
adopt_orphans()
children = Children()
criu = Criu(sys.argv[2], children, lambda _: None)
thread = threading.Thread(target=criu.test)
thread.start()
while thread.is_alive():
    children.reap()
    thread.join(0.02)
print(criu.unavailable or "")`;

/** Finds criu in the variable CRIU, else tests/criu/install installs it into the cache, and tests it as the supervisor does. */
export function findCriu(): TestCriu {
  const program = process.env['CRIU'] ?? output(join(import.meta.dirname, '../../criu/install'), []);
  if (program === '') return { missing: 'criu cannot be installed on this machine (see tests/criu/install)' };
  const missing = output('python3', ['-I', '-c', test, sessionPython, program]);
  return missing === '' ? { program } : { missing };
}

const output = (program: string, args: string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: 180_000 }).trim();
