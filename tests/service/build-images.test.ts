import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

/** Runs `scripts/build-images service` with stand-ins of the engines. Returns its standard error and the command of the build. */
function build(engines: Readonly<Record<string, string>>): { stderr: string; command: string } {
  const folder = mkdtempSync(join(tmpdir(), 'build-images-'));
  const record = join(folder, 'command');
  for (const name of ['docker', 'podman', 'buildah']) {
    const script = `#!/bin/bash\n[ "$1" != build ] || { echo "$0 $*" > ${record}; exit 1; }\n${engines[name] ?? 'exit 1'}\n`;
    writeFileSync(join(folder, name), script);
    chmodSync(join(folder, name), 0o755);
  }
  const env = { ...process.env, PATH: [folder, process.env['PATH']].join(delimiter) };
  const { stderr } = spawnSync(join(root, 'scripts/build-images'), ['service'], { env, encoding: 'utf8' });
  const command = readFileSync(record, 'utf8');
  rmSync(folder, { recursive: true });
  return { stderr, command };
}

it('the images are built with the first engine that works, and not with one that is only installed', () => {
  expect(build({ docker: 'exit 0', podman: 'exit 0' }).stderr).toContain('with docker');
  expect(build({ podman: '[ "$1" = info ]' }).stderr).toContain('with podman');
  const { stderr, command } = build({ buildah: '[ "$1" = inspect ] && date +%s' });
  expect(stderr).toContain('with buildah');
  // The base images that the script makes have the tags of the Dockerfile, without their digests.
  expect(command).toMatch(
    /--build-arg DEBIAN=localhost\/\S+\/debian:[a-z]+ --build-arg NODE=localhost\/\S+\/node:[\d.]+-\S+-slim /,
  );
});

it('the base images of the Dockerfile have digests', () => {
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
  const bases = [...dockerfile.matchAll(/^ARG (?:DEBIAN|NODE)=(.*)$/gm)].map(([, base]) => base);
  expect(bases).toHaveLength(2);
  for (const base of bases) expect(base).toMatch(/^docker\.io\/library\/\S+:\S+@sha256:[0-9a-f]{64}$/);
});
