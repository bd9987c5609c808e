import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { gitEnvironment } from '../local/forge/served-forge.ts';

/** Names of files, as bytes. Some are folders of others. */
const paths = [
  'a.txt',
  'dir/b.txt',
  'dir/sub/c',
  'dir',
  '-dash',
  '--all',
  'sp ace ',
  'new\nline',
  'quo"te\\',
  '*?[x]',
  '\xff\xfe bytes',
  '\xc3\xbc.txt',
  'windows.crlf',
  'ignored.log',
  '.gitattributes-not',
];
const contents = ['', 'x\n', 'a\r\nb\r\n', 'no newline', '\x00\x01\xff binary', 'x'.repeat(5000)];

/** Returns text that bash reads as these bytes. */
const quoted = (bytes: string): string =>
  `$'${[...bytes].map((byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`).join('')}'`;

const path = fc.constantFrom(...paths).map((bytes) => quoted(`./${bytes}`));
const branch = fc.constantFrom('main', 'other', 'feature/a/b', 'x');

/** bash loses NUL bytes, so `printf` writes the content. */
const write = fc.tuple(path, fc.constantFrom(...contents)).map(([file, content]) => {
  const escaped = [...content].map((byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`).join('');
  return `mkdir -p -- "$(dirname -- ${file})" && [ ! -d ${file} ] && printf '${escaped}' > ${file}`;
});
const change = fc.oneof(
  { weight: 6, arbitrary: write },
  { weight: 2, arbitrary: path.map((file) => `rm -rf -- ${file}`) },
  { weight: 1, arbitrary: fc.tuple(path, path).map(([from, to]) => `[ ! -e ${to} ] && mv -- ${from} ${to}`) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(path, fc.constantFrom('600', '644', '755', '400'))
      .map(([file, mode]) => `[ -f ${file} ] && [ ! -L ${file} ] && chmod ${mode} -- ${file}`),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(path, fc.constantFrom('/etc/passwd', '../..', 'a.txt', 'dir'))
      .map(([file, target]) => `[ ! -e ${file} ] && ln -s -- ${target} ${file}`),
  },
  { weight: 3, arbitrary: path.map((file) => `git add -- ${file}`) },
  { weight: 1, arbitrary: path.map((file) => `git add -N -- ${file}`) },
  { weight: 1, arbitrary: path.map((file) => `git rm -q --cached -- ${file}`) },
  { weight: 1, arbitrary: fc.constant('git add -A') },
  { weight: 2, arbitrary: fc.constant('git commit -q -m change') },
  { weight: 1, arbitrary: fc.constant('git push -q origin HEAD') },
  { weight: 1, arbitrary: branch.map((name) => `git branch -q ${name}`) },
  { weight: 2, arbitrary: branch.map((name) => `git checkout -q ${name}`) },
  { weight: 1, arbitrary: branch.map((name) => `git checkout -q --orphan new-${name}`) },
  { weight: 1, arbitrary: fc.constant('git checkout -q --detach') },
  { weight: 1, arbitrary: fc.constantFrom('git stash -q', 'git stash -q -u', 'git stash push -q -m "a message"') },
  { weight: 1, arbitrary: branch.map((name) => `git merge -q --no-edit ${name}`) },
  { weight: 1, arbitrary: branch.map((name) => `git rebase -q ${name}`) },
  { weight: 1, arbitrary: branch.map((name) => `git cherry-pick ${name}`) },
);

/** Commands that make a state of a work tree. Some fail, as those of users do. */
export const randomWork: fc.Arbitrary<string[]> = fc.array(change, { minLength: 1, maxLength: 25 });

/** Runs the commands in the work tree. */
export async function work(directory: string, commands: readonly string[]): Promise<void> {
  const script = commands.map((command) => `{ ${command}; } > /dev/null 2>&1 < /dev/null`).join('\n');
  await promisify(execFile)('bash', ['-c', `${script}\ntrue`], {
    cwd: directory,
    env: { ...gitEnvironment(), GIT_EDITOR: 'true' },
  });
}
