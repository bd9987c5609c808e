/**
 * Rejects words that CONTRIBUTING.md ("Words") excludes, in every text and name of the project, and lines that git writes at
 * conflicts of a merge, in every file of text.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const places = [
  ...['src', 'docs', 'tests', 'bench', 'scripts', 'helm-chart'],
  ...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'openapi.yaml', '.config.hocon.example'],
];
const text = /\.(?:[cm]?[jt]s|json|md|ya?ml|py|sh|html|css|hocon|example|tpl|txt)$|\/install$/;

/** A word of a sentence or of a name: `trouble`, `isTrouble`, `kubernetes-trouble.ts`, but not the inside of a longer word. */
const words = ['trouble', 'troubles', 'nobody', 'whoever', 'somebody', 'farewell'];
const inSentence = new RegExp(`(?<![A-Za-z])(?:${words.join('|')})(?![a-z])`, 'i');
const inName = new RegExp(
  `(?<=[a-z0-9])(?:${words.map((word) => word[0]?.toUpperCase() + word.slice(1)).join('|')})(?![a-z])`,
);

/** Lines that need such a word: the OS user `nobody`, and the list of the words themselves. */
const allowed: { readonly file: string; readonly line: RegExp }[] = [
  { file: 'CONTRIBUTING.md', line: /^\| .* \| .* \| .* \|$/ },
  { file: 'tests/support/other-os-user.ts', line: /`nobody`|'nobody'/ },
  { file: 'scripts/check-words.ts', line: /const words = |^\/\*\* (?:A word|Lines that)|file: .tests\/support\/other/ },
];

/** Returns the output of git. The exit code 1 of `git grep` means that it has found nothing. */
function git(args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  if (status !== 0 && status !== 1) throw error ?? new Error(stderr);
  return stdout;
}

const files = git(['ls-files', '--cached', '--others', '--exclude-standard', '--', ...places]);
const errors: string[] = [];
// A line of only equals signs may be a heading in Markdown, and does not stand alone at a conflict.
const conflicts = git(['grep', '--untracked', '-I', '--line-number', '-E', '^(<{7}|>{7}|\\|{7})( |$)']);
for (const line of conflicts.split('\n').filter((each) => each !== ''))
  errors.push(`${line}: a conflict of a merge is not resolved`);
for (const file of files.split('\n').filter((name) => text.test(name))) {
  if (inSentence.test(file)) errors.push(`${file}: the name of the file has an excluded word`);
  for (const [index, line] of readFileSync(join(root, file), 'utf8').split('\n').entries()) {
    const found = inSentence.exec(line) ?? inName.exec(line);
    if (!found || allowed.some((each) => each.file === file && each.line.test(line))) continue;
    errors.push(`${file}:${index + 1}: "${found[0]}" is an excluded word`);
  }
}

if (errors.length > 0) {
  process.stderr.write(
    `${errors.join('\n')}\n${errors.length} excluded words (CONTRIBUTING.md, "Words") or conflicts\n`,
  );
  process.exit(1);
}
process.stdout.write('no excluded words, and no conflicts of a merge\n');
