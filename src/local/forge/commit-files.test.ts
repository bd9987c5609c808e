import { execFileSync } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  makeRepository,
  runGit,
  type ServedForge,
  serveForge,
} from '../../../tests/support/local/forge/served-forge.ts';
import { Deadline } from '../../lib/deadline.ts';

let served: ServedForge;
let path: string;
let commit: string;
const names = ['requirements.txt', 'pyproject.toml', 'environment.yml'];
const soon = () => Deadline.after(20_000);

beforeAll(async () => {
  served = await serveForge();
  const repository = await makeRepository(join(served.scratch, 'work'), {
    'requirements.txt': 'numpy\n',
    'environment.yml': 'x'.repeat(2_000),
    'sub/pyproject.toml': '[project]',
  });
  symlinkSync('requirements.txt', join(repository, 'pyproject.toml'));
  await runGit(repository, 'add', '--all');
  await runGit(repository, 'commit', '--quiet', '--message', 'link');
  commit = await runGit(repository, 'rev-parse', 'HEAD');
  const { project } = await served.forge.addExistingRepository({ path: repository });
  path = `${project.namespace}/${project.path}`;
});
afterAll(async () => await served.close());

describe('the files of a commit', () => {
  it('are read from the top of its tree, in the requested order; links are not followed, and large files are not read', async () => {
    const files = await served.forge.commitFiles(path.toUpperCase(), commit.slice(0, 7), names, soon(), 1_000);
    expect(files).toEqual([
      { name: 'requirements.txt', isLink: false, size: 6, content: Buffer.from('numpy\n') },
      { name: 'pyproject.toml', isLink: true, size: 16, content: undefined },
      { name: 'environment.yml', isLink: false, size: 2_000, content: undefined },
    ]);
    const unread = await served.forge.commitFiles(path, commit, names, soon());
    expect(unread?.map(({ content }) => content)).toEqual([undefined, undefined, undefined]);
  });

  it('are read from the commit, not from the work tree', async () => {
    writeFileSync(join(served.scratch, 'work', 'requirements.txt'), 'not committed\n');
    const files = await served.forge.commitFiles(path, commit, ['requirements.txt'], soon(), 1_000);
    expect(String(files?.[0]?.content)).toBe('numpy\n');
  });

  it.each(['0000000', 'main', '--help', 'HEAD', '', '../..'])('do not exist for the name %j', async (other) => {
    expect(await served.forge.commitFiles(path, other, names, soon(), 1_000)).toBeUndefined();
  });

  it('do not exist for another project, for the id of a tree or file, and for an ambiguous id', async () => {
    expect(await served.forge.commitFiles('ada/other', commit, names, soon())).toBeUndefined();
    for (const name of ['HEAD^{tree}', 'HEAD:requirements.txt']) {
      const id = await runGit(join(served.scratch, 'work'), 'rev-parse', name);
      expect(await served.forge.commitFiles(path, id, names, soon())).toBeUndefined();
    }
    // With 600 commits, two have ids that begin with the same four digits.
    const stream = Array.from(
      { length: 600 },
      (_, index) => `commit refs/heads/many\ncommitter A <a@b> ${index} +0000\ndata 0\n`,
    );
    const work = join(served.scratch, 'work');
    execFileSync('git', ['fast-import', '--quiet', '--force'], { cwd: work, input: stream.join('\n') });
    const ids = (await runGit(work, 'log', '--format=%H', 'many')).split('\n');
    const twice = ids.map((id) => id.slice(0, 4)).find((start, index, all) => all.indexOf(start) !== index);
    expect(twice).toBeDefined();
    expect(await served.forge.commitFiles(path, twice ?? '', names, soon())).toBeUndefined();
  });
});

it('images can be pulled by users who can read the code of the project', async () => {
  expect(served.forge.mayReadCode(path, 'ada')).toBe(true);
  expect(served.forge.mayReadCode(path, 'bob')).toBe(false);
  expect(served.forge.mayReadCode(path, undefined)).toBe(false);
  expect(served.forge.mayReadCode('ada/other', 'ada')).toBe(false);
});
