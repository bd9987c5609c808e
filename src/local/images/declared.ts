import type { CommitFile } from '../forge/commit-files.ts';
import { decodeText } from './decode.ts';
import { readEnvironmentYml } from './environment-yml.ts';
import { readPyproject, type TomlReader } from './pyproject.ts';
import type { SkipReason } from './requirement.ts';
import { readRequirementsTxt } from './requirements-txt.ts';

/** The files that may say what a project needs, in the order in which they are looked at. */
export const environmentFiles = ['requirements.txt', 'pyproject.toml', 'environment.yml'] as const;
export type EnvironmentFile = (typeof environmentFiles)[number];

/** Bytes of a file that is read. */
export const maxFileBytes = 1024 * 1024;
const maxRequirements = 2_000;

export interface Skipped {
  readonly file: EnvironmentFile;
  /** Counted from 1; undefined where it is not known. */
  readonly line: number | undefined;
  readonly text: string;
  readonly why: SkipReason;
}

/** What a file says. */
export interface Declaration {
  readonly requirements: readonly string[];
  readonly skipped: readonly Skipped[];
  readonly notes: readonly Note[];
}

/** What the reader of a file must know. */
export interface Note {
  readonly text: string;
  /** What helps, in a terminal of the session. */
  readonly command?: string;
}

export interface Declared extends Declaration {
  /** The file that the requirements are from; undefined where no file has any. */
  readonly file: EnvironmentFile | undefined;
}

/**
 * The requirements of the first file that has any, and what was skipped up to there: a `requirements.txt` may hold no
 * more than `-e .`, with the packages in `pyproject.toml`. `python` is the version that they are installed for.
 */
export async function declaredBy(
  files: readonly CommitFile[],
  python: string,
  readToml: TomlReader,
): Promise<Declared> {
  const skipped: Skipped[] = [];
  const notes: Note[] = [];
  for (const name of environmentFiles) {
    const file = files.find((each) => each.name === name);
    if (!file) continue;
    const said = await read(name, file, python, readToml);
    skipped.push(...said.skipped);
    notes.push(...said.notes);
    if (said.requirements.length > 0) return { file: name, requirements: said.requirements, skipped, notes };
  }
  return { file: undefined, requirements: [], skipped, notes };
}

async function read(
  name: EnvironmentFile,
  file: CommitFile,
  python: string,
  readToml: TomlReader,
): Promise<Declaration> {
  if (file.isLink) return unread(name, 'is a symbolic link, which is not followed');
  if (!file.content) return unread(name, `has ${Math.ceil(file.size / 1e6)} MB; no more than 1 MB is read`);
  const text = decodeText(file.content);
  if (text === undefined) return unread(name, 'is not UTF-8 text');
  const said = await reader[name](text, { python, readToml });
  const { length } = said.requirements;
  if (length <= maxRequirements) return said;
  return unread(name, `has ${length} requirements; no more than ${maxRequirements} are installed`);
}

const reader: Record<
  EnvironmentFile,
  (text: string, context: { python: string; readToml: TomlReader }) => Declaration | Promise<Declaration>
> = {
  'requirements.txt': readRequirementsTxt,
  'pyproject.toml': (text, { readToml }) => readPyproject(text, readToml),
  'environment.yml': (text, { python }) => readEnvironmentYml(text, python),
};

export const unread = (file: EnvironmentFile, why: string): Declaration => ({
  requirements: [],
  skipped: [],
  notes: [{ text: `${file} ${why}.`, command: commandFor(file) }],
});

/** What installs the file's packages in a terminal of the session. It names the file, never a line of it. */
export function commandFor(file: EnvironmentFile): string {
  if (file === 'requirements.txt') return 'pip install -r requirements.txt';
  return file === 'pyproject.toml' ? 'pip install .' : 'pip install PACKAGE';
}
