import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { supervisorProgram } from '../../session-contract/supervisor.ts';
import { copySupervisorPrograms } from './supervisor-programs.ts';

it('copies the programs of the supervisor into a folder, again, too, and nothing that Python or tests have added', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'programs-'));
  try {
    await copySupervisorPrograms(folder);
    await copySupervisorPrograms(folder);
    const names = readdirSync(folder, { recursive: true }).map(String);
    const needed = [...Object.values(supervisorProgram), '__main__.py', 'session_kernels/supervisor/__main__.py'];
    expect(names).toEqual(expect.arrayContaining(needed));
    expect(names.filter((name) => /__pycache__|^tests/.test(name))).toEqual([]);
    expect(readFileSync(join(folder, supervisorProgram.start), 'utf8')).toMatch(/^#!\/bin\/sh\n/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
