import type { CommitFile } from '../forge/commit-files.ts';
import {
  type Declaration,
  type EnvironmentFile,
  environmentFiles,
  type Note,
  type Skipped,
  unread,
} from './declaration.ts';
import { decodeText } from './decode.ts';
import { readEnvironmentYml } from './environment-yml.ts';
import { readPyproject, type TomlReader } from './pyproject.ts';
import { readRequirementsTxt } from './requirements-txt.ts';

/** Maximum size in bytes of a file that is read. */
export const maxFileBytes = 1024 * 1024;
const maxRequirements = 2_000;

export interface Declared extends Declaration {
  /** The file that lists the requirements; undefined if there are none. */
  readonly file: EnvironmentFile | undefined;
}

/**
 * Returns the requirements of the first file with requirements, and the skipped entries of this file and of the files before
 * it. A `requirements.txt` may contain only `-e .`, while `pyproject.toml` lists the packages. `python` is the version of the
 * environment's Python.
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
    const declaration = await read(name, file, python, readToml);
    skipped.push(...declaration.skipped);
    notes.push(...declaration.notes);
    const { requirements } = declaration;
    if (requirements.length > 0) return { file: name, requirements, skipped, notes };
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
  if (!file.content) return unread(name, `has ${Math.ceil(file.size / 1e6)} MB; the maximum is 1 MB`);
  const text = decodeText(file.content);
  if (text === undefined) return unread(name, 'is not UTF-8 text');
  const declaration = await readers[name](text, { python, readToml });
  const { length } = declaration.requirements;
  if (length <= maxRequirements) return declaration;
  return unread(name, `has ${length} requirements; the maximum is ${maxRequirements}`);
}

const readers: Record<
  EnvironmentFile,
  (text: string, context: { python: string; readToml: TomlReader }) => Declaration | Promise<Declaration>
> = {
  'requirements.txt': readRequirementsTxt,
  'pyproject.toml': (text, { readToml }) => readPyproject(text, readToml),
  'environment.yml': (text, { python }) => readEnvironmentYml(text, python),
};
