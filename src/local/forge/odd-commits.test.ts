import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ada,
  gitEnvironment,
  makeRepository,
  runGit,
  type ServedForge,
  serveForge,
} from '../../../tests/support/local/forge/served-forge.ts';
import { loopbackHttp } from '../../../tests/support/outbound-http.ts';
import { Deadline } from '../../lib/deadline.ts';
import { createGitLab } from '../../platform/gitlab/client.ts';
import { createLogger } from '../../platform/logging/logger.ts';
import { parseCommit, withOffset } from './commit.ts';
import { CommitBatch } from './commit-batch.ts';

/** Tests of unusual commits in the responses of the API. */

let served: ServedForge;
let number = 0;
const gitlab = createGitLab({ http: loopbackHttp(), log: createLogger({ name: 'test', level: 'silent' }) });
const access = () => ({ url: served.url, token: served.forge.issueToken(ada).token });
const soon = () => Deadline.after(10_000);

beforeAll(async () => {
  served = await serveForge();
});
afterAll(() => served.close());

/** Adds a repository of the user with this commit as `main`. Returns the responses of the API. */
async function seen(commit: string | Buffer) {
  const tree = await makeRepository(join(served.scratch, `odd-${number++}`), { 'a.txt': 'a\n' });
  const id = execFileSync('git', ['hash-object', '-t', 'commit', '-w', '--stdin', '--literally'], {
    cwd: tree,
    input: commit,
    encoding: 'utf8',
  }).trim();
  // git is not used here, because git rejects some of these commits.
  writeFileSync(join(tree, '.git/refs/heads/main'), `${id}\n`);
  return look(tree, id);
}

async function look(tree: string, id: string) {
  const { project } = await served.forge.addExistingRepository({ path: tree });
  const found = await gitlab.project(access(), project.id, soon());
  const commit = await gitlab.commit(access(), project.id, id, soon());
  const branch = await gitlab.branch(access(), project.id, 'main', soon());
  const listed = await gitlab.branches(access(), project.id, { prefix: 'ma', page: 1 }, soon());
  const response = await fetch(`${served.url}/api/v4/projects/${project.id}/repository/commits/${id}`, {
    headers: { 'private-token': access().token },
  });
  expect([found?.defaultBranch, commit?.sha, branch?.commitSha, listed?.branches[0]?.commitSha]).toEqual([
    'main',
    id,
    id,
    id,
  ]);
  expect((await gitlab.projects(access(), { page: 1 }, soon())).map((each) => each.id)).toContain(project.id);
  return {
    activeAt: found?.lastActivityAt,
    date: commit?.committedDate,
    body: (await response.json()) as Record<string, string>,
  };
}

const emptyTree = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
const person = 'A <a@b> 1 +0000';

describe('the date of a commit', () => {
  it.each([
    // git writes these for dates before 1970 in UTC, and fails to format them.
    ['1970-01-01T00:00:00+0100', '1970-01-01T00:00:00.000+01:00'],
    ['@0 -1200', '1969-12-31T12:00:00.000-12:00'],
    ['@1 +9999', '1970-01-01T00:00:01.000+00:00'],
    ['@253402300800 +0000', '1970-01-01T00:00:00.000Z'],
    ['@99999999999999 +0000', '1970-01-01T00:00:00.000Z'],
    ['@4102444800 +1345', '2100-01-01T13:45:00.000+13:45'],
  ])('can have the form %s, which git writes', async (date, expected) => {
    const tree = join(served.scratch, `dated-${number++}`);
    await runGit(served.scratch, 'init', '--quiet', '--initial-branch=main', tree);
    execFileSync('git', ['commit', '--quiet', '--allow-empty', '--message', 'odd'], {
      cwd: tree,
      env: { ...gitEnvironment(), GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date },
    });
    expect(await look(tree, await runGit(tree, 'rev-parse', 'HEAD'))).toMatchObject({ date: expected });
  });

  it.each([
    '',
    '1',
    'x +0000',
    '-3600 +0100',
    '99999999999999999999 +0000',
    '1 +00000',
    '1 -',
    '9223372036854775807 +0000',
  ])('can have the value %j, which other programs write', async (date) => {
    const { date: shown, activeAt } = await seen(
      `tree ${emptyTree}\nauthor ${person}\ncommitter C <c@d> ${date}\n\nm\n`,
    );
    for (const one of [shown, activeAt]) expect(Date.parse(one ?? '')).not.toBeNaN();
    expect(shown).toMatch(/^\d{4}-/);
  });

  it('is converted to RFC 3339 for all numbers', () => {
    for (let power = 0; power < 21; power++) {
      for (const offset of ['+0000', '-2359', '+2359', '+9999']) {
        for (const sign of ['', '-']) {
          const shown = withOffset(`${sign}${'9'.repeat(power + 1).slice(0, 20)} ${offset}`);
          expect(shown).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(?:Z|[+-]\d\d:\d\d)$/);
          expect(new Date(shown).toISOString()).toMatch(/^\d{4}-/);
        }
      }
    }
  });

  it('does not make an old commit the newest of a project', async () => {
    const tree = await makeRepository(join(served.scratch, `newest-${number++}`), { 'a.txt': 'a\n' });
    execFileSync('git', ['commit', '--quiet', '--allow-empty', '--message', 'odd'], {
      cwd: tree,
      env: { ...gitEnvironment(), GIT_COMMITTER_DATE: '1970-01-01T00:00:00+0100' },
    });
    const future = { ...gitEnvironment(), GIT_COMMITTER_DATE: '2099-01-01T00:00:00Z' };
    await runGit(tree, 'checkout', '--quiet', '-b', 'newer', 'HEAD~1');
    execFileSync('git', ['commit', '--quiet', '--allow-empty', '--message', 'new'], { cwd: tree, env: future });
    const { project } = await served.forge.addExistingRepository({ path: tree });
    expect((await gitlab.project(access(), project.id, soon()))?.lastActivityAt).toBe('2099-01-01T00:00:00.000Z');
  });
});

describe('a commit', () => {
  it('can have no author, name, e-mail address, message or final line break', async () => {
    expect(parseCommit('1'.repeat(40), Buffer.from(''))).toMatchObject({
      parents: [],
      title: '',
      author: { name: '' },
    });
    for (const text of [
      `tree ${emptyTree}\n\n`,
      `tree ${emptyTree}\nauthor \ncommitter \n\n\n\n`,
      `tree ${emptyTree}\nauthor <> 1 +0000\ncommitter  < > 1 +0000\n\nm`,
      `tree ${emptyTree}\nauthor A a@b 1 +0000\ncommitter A <a@b 1 +0000\n\nm`,
    ]) {
      const { body } = await seen(text);
      expect(body).toMatchObject({ author_name: expect.any(String), committer_email: expect.any(String) });
    }
  });

  it('can have an unusual e-mail address and text in other encodings', async () => {
    expect(
      (await seen(`tree ${emptyTree}\nauthor A <a <b> c>d> 1 +0000\ncommitter ${person}\n\nm`)).body,
    ).toMatchObject({
      author_name: 'A',
      author_email: 'a <b> c>d',
    });
    const latin = Buffer.from(
      `tree ${emptyTree}\nauthor Jürgen <j@b> 1 +0000\ncommitter ${person}\n\nGrüße\n`,
      'latin1',
    );
    expect((await seen(latin)).body).toMatchObject({ author_name: 'Jürgen', title: 'Grüße' });
    const named = Buffer.concat([
      Buffer.from(`tree ${emptyTree}\nauthor ${person}\ncommitter ${person}\nencoding KOI8-R\n\n`),
      Buffer.from([0xf0, 0xd2, 0xc9, 0xd7, 0xc5, 0xd4, 0x0a]),
    ]);
    expect((await seen(named)).body).toMatchObject({ title: 'Привет' });
    for (const encoding of ['utf-16', 'nonsense', '../x']) {
      const text = `tree ${emptyTree}\nauthor ${person}\ncommitter ${person}\nencoding ${encoding}\n\nm\n`;
      expect((await seen(text)).body).toMatchObject({ author_name: 'A', title: 'm' });
    }
  });

  it('can have a message of any size', async () => {
    const { body } = await seen(
      `tree ${emptyTree}\nauthor ${person}\ncommitter ${person}\n\n${'\u0001€'.repeat(9_000_000)}`,
    );
    expect(body['title']?.length).toBeLessThan(300);
    expect(body['message']?.length).toBeGreaterThan(10_000);
  });

  it('that is missing does not hide the project or its other branches', async () => {
    const tree = await makeRepository(join(served.scratch, `missing-${number++}`), { 'a.txt': 'a\n' });
    await runGit(tree, 'checkout', '--quiet', '-b', 'broken');
    await runGit(tree, 'commit', '--quiet', '--allow-empty', '--message', 'lost');
    const lost = await runGit(tree, 'rev-parse', 'HEAD');
    const { project } = await served.forge.addExistingRepository({ path: tree });
    await runGit(tree, 'checkout', '--quiet', 'main');
    rmSync(join(tree, '.git/objects', lost.slice(0, 2), lost.slice(2)));
    expect(await gitlab.project(access(), project.id, soon())).toMatchObject({ defaultBranch: 'main' });
    const listed = await gitlab.branches(access(), project.id, { prefix: '', page: 1 }, soon());
    expect(listed?.branches.map(({ name }) => name)).toEqual(['main']);
    expect(await gitlab.branch(access(), project.id, 'broken', soon())).toBeUndefined();
  });
});

describe('the output of git cat-file', () => {
  it('is parsed with the same result for all sizes of its chunks', () => {
    const commit = `tree ${emptyTree}\nauthor ${person}\ncommitter ${person}\n\nä message\n`;
    const [one, two] = ['1'.repeat(40), '2'.repeat(64)];
    const output = Buffer.concat([
      Buffer.from(`${one} commit ${Buffer.byteLength(commit)}\n${commit}\nnone missing\n`),
      Buffer.from(
        `${one} blob 3\na\nb\n${one} tree 0\n\nab ambiguous\n${two} commit ${Buffer.byteLength(commit)}\n${commit}\n`,
      ),
    ]);
    const expected = [one, undefined, undefined, undefined, undefined, two].map(
      (sha) => sha && parseCommit(sha, Buffer.from(commit)),
    );
    for (const size of [1, 2, 7, 64, output.length]) {
      const batch = new CommitBatch(1024);
      for (let at = 0; at < output.length; at += size) batch.take(output.subarray(at, at + size));
      expect(batch.commits).toEqual(expected);
    }
    const short = new CommitBatch(60);
    short.take(output);
    expect(short.commits.map((each) => each?.sha)).toEqual(expected.map((each) => (each ? each.sha : undefined)));
  });
});
