import { commandFor, type Declaration, type EnvironmentFile, type Note, type Skipped, unread } from './declared.ts';
import { normalizedName, readRequirement } from './requirement.ts';

const file: EnvironmentFile = 'pyproject.toml';

/** The tables of a pyproject.toml that say what a project needs, as `pyproject.py` prints them. */
export interface Pyproject {
  readonly dependencies: readonly string[];
  /** The dependencies are computed when the project is built. */
  readonly isDynamic: boolean;
  /** Names in `[tool.uv.sources]`: they come from elsewhere than the index. */
  readonly sources: readonly string[];
  /** Poetry's own table has dependencies. */
  readonly hasPoetry: boolean;
  /** `requires-python`, where this Python is not one of them. */
  readonly otherPython: string | null;
}

/** Reads TOML; an answer with `error` says why it is none. */
export type TomlReader = (text: string) => Promise<Pyproject | { readonly error: string }>;

/** `[project] dependencies`. Neither extras nor groups, as with `pip install .`; the project itself is not built. */
export async function readPyproject(text: string, readToml: TomlReader): Promise<Declaration> {
  const said = await readToml(text);
  if ('error' in said) return unread(file, `cannot be read: ${said.error}`);
  const requirements: string[] = [];
  const skipped: Skipped[] = [];
  const sources = new Set(said.sources.map(normalizedName));
  const lines = text.split(/\r\n|\n|\r/);
  for (const wanted of said.dependencies) {
    const requirement = readRequirement(wanted);
    const isElsewhere = sources.has(normalizedName(wanted));
    if ('text' in requirement && !isElsewhere) {
      requirements.push(requirement.text);
      continue;
    }
    const line = lines.findIndex((each) => each.includes(wanted)) + 1;
    const why = 'skipped' in requirement ? requirement.skipped : 'source';
    skipped.push({ file, line: line === 0 ? undefined : line, text: wanted, why });
  }
  return { requirements, skipped, notes: [...notesOf(said)] };
}

function* notesOf({ isDynamic, hasPoetry, dependencies, otherPython }: Pyproject): Generator<Note> {
  const command = commandFor(file);
  if (isDynamic) {
    const text = `The dependencies of ${file} are dynamic: they are known only after a build, and nothing is built.`;
    yield { text, command };
  }
  if (hasPoetry && dependencies.length === 0) {
    yield { text: `${file} has its dependencies in [tool.poetry], which is not read; only [project] is.`, command };
  }
  if (otherPython !== null) {
    yield { text: `${file} asks for Python ${otherPython}, which the Python of this machine is not.` };
  }
}
