import type { Deadline } from '../../lib/deadline.ts';
import { GitFailed, git } from './git.ts';
import type { ForgeProject } from './records.ts';
import { environmentOf } from './repository.ts';

/** A file at the top of a commit's tree. */
export interface CommitFile {
  readonly name: string;
  /** git stores the target of a symbolic link as its content. */
  readonly isLink: boolean;
  readonly size: number;
  /** undefined for a link, for a file above the size limit, and if no content is requested. */
  readonly content: Buffer | undefined;
}

interface Entry {
  readonly name: string;
  readonly mode: string;
  readonly id: string;
  readonly size: number;
}

const linkMode = '120000';
/** Error messages of git for a name that matches no commit, or several. */
const noCommit = /not a valid object name|ambiguous|unknown revision|not a tree object/i;

/**
 * Returns the named files at the top of the commit's tree, in the order of `names`; undefined if no commit or more than one
 * has an id that begins with `commit`. Contents are read up to `maxBytes` each. Throws if an object is missing, as in a
 * partial clone; missing objects are not fetched.
 */
export async function commitFiles(
  project: ForgeProject,
  commit: string,
  names: readonly string[],
  deadline: Deadline,
  maxBytes?: number,
): Promise<CommitFile[] | undefined> {
  if (!/^[0-9a-f]{4,64}$/.test(commit)) return undefined;
  const entries = await listEntries(project, commit, names, deadline);
  if (!entries) return undefined;
  const wanted = entries.filter(({ mode, size }) => mode !== linkMode && size <= (maxBytes ?? -1));
  const contents = await readBlobs(project, wanted, deadline);
  return entries
    .map((entry) => ({
      name: entry.name,
      size: entry.size,
      isLink: entry.mode === linkMode,
      content: contents[wanted.indexOf(entry)],
    }))
    .sort((one, other) => names.indexOf(one.name) - names.indexOf(other.name));
}

async function listEntries(
  project: ForgeProject,
  commit: string,
  names: readonly string[],
  deadline: Deadline,
): Promise<Entry[] | undefined> {
  try {
    const args = ['ls-tree', '-z', '--long', '--full-tree', `${commit}^{commit}`, '--', ...names];
    const { stdout } = await run(project, args, deadline);
    return stdout
      .toString('utf8')
      .split('\0')
      .flatMap((line) => {
        const [, mode = '', id = '', size = '', name = ''] = /^(\d+) blob ([0-9a-f]+) +(\d+)\t(.+)$/s.exec(line) ?? [];
        return names.includes(name) ? [{ mode, id, name, size: Number(size) }] : [];
      });
  } catch (error) {
    if (error instanceof GitFailed && noCommit.test(error.stderr)) return undefined;
    throw error;
  }
}

async function readBlobs(project: ForgeProject, entries: readonly Entry[], deadline: Deadline): Promise<Buffer[]> {
  if (entries.length === 0) return [];
  const input = entries.map(({ id }) => `${id}\n`).join('');
  const { stdout } = await run(project, ['cat-file', '--batch'], deadline, input);
  let position = 0;
  return entries.map(({ id, size }) => {
    const header = `${id} blob ${size}\n`;
    if (stdout.toString('utf8', position, position + header.length) !== header) {
      throw new GitFailed('cat-file', 0, `${id} is not in the repository`);
    }
    const begin = position + header.length;
    position = begin + size + 1;
    return stdout.subarray(begin, begin + size);
  });
}

function run(project: ForgeProject, args: readonly string[], deadline: Deadline, input?: string) {
  return git([`--git-dir=${project.gitDir}`, ...args], {
    environment: { ...environmentOf(project), GIT_NO_LAZY_FETCH: '1' },
    deadline,
    ...(input === undefined ? {} : { input }),
  });
}
