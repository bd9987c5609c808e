import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { defaultEnvironment } from '../support/jupyter.ts';
import { TestMachine, waiting } from '../support/local/kubelet/machine.ts';
import { createSession } from '../support/local/kubelet/templates.ts';

/** Code of a project runs only when its user runs it, and not because a session starts. */

const image = 'registry/jupyter:1';
/** Programs that Jupyter runs to find language servers. R runs the .Rprofile of its working folder. */
const called = ['Rscript', 'npm', 'julia'];

const scratch = mkdtempSync(join(tmpdir(), 'notebook-sessions-project-code-'));
let machine: TestMachine | undefined;
afterAll(async () => {
  await machine?.close();
  vi.unstubAllEnvs();
  rmSync(scratch, { recursive: true, force: true });
});

it('a program that Jupyter starts with the session does not find the project’s start-up files', async () => {
  const programs = join(scratch, 'bin');
  mkdirSync(programs);
  for (const name of called) {
    const file = join(programs, name);
    writeFileSync(file, '#!/bin/sh\nif [ -f .Rprofile ]; then . ./.Rprofile; fi\npwd >>"$0.called"\n');
    chmodSync(file, 0o755);
  }
  const environment = await defaultEnvironment();
  vi.stubEnv('PATH', `${programs}:${process.env['PATH']}`);
  const stateDir = join(scratch, 'state');
  const workTree = join(stateDir, 'volumes/sessions/a/group/project');
  mkdirSync(workTree, { recursive: true, mode: 0o700 });
  writeFileSync(join(workTree, '.Rprofile'), `touch '${join(scratch, 'project-code-has-run')}'\n`);
  machine = new TestMachine({ images: new Map([[image, environment]]), stateDir });
  await machine.kubelet.start();
  createSession(machine.cluster, { name: 'a', image });
  await machine.ready('a');
  await vi.waitFor(() => {
    for (const name of called) expect(existsSync(join(programs, `${name}.called`)), name).toBe(true);
  }, waiting);
  for (const name of called) {
    expect(readFileSync(join(programs, `${name}.called`), 'utf8'), name).not.toContain(workTree);
  }
  expect(existsSync(join(workTree, 'clones'))).toBe(true);
  expect(existsSync(join(scratch, 'project-code-has-run'))).toBe(false);
});
