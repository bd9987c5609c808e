import { commandFor, type Declaration, type EnvironmentFile, type Note, type Skipped, unread } from './declaration.ts';
import { normalizedName, readRequirement } from './requirement.ts';

const file: EnvironmentFile = 'pyproject.toml';

/** The dependencies of a pyproject.toml, as `pyproject.py` prints them. */
export interface Pyproject {
  readonly dependencies: readonly string[];
  /** True if the dependencies are computed when the project is built. */
  readonly isDynamic: boolean;
  /** Names in `[tool.uv.sources]`: packages that are not from the index. */
  readonly sources: readonly string[];
  /** True if the table `[tool.poetry]` has dependencies. */
  readonly hasPoetry: boolean;
  /** The value of `requires-python` if it excludes this Python. */
  readonly otherPython: string | null;
}

/** Parses TOML; `error` is the reason if the text is invalid. */
export type TomlReader = (text: string) => Promise<Pyproject | { readonly error: string }>;

/** Returns `[project] dependencies`, without extras and groups, as `pip install .` does. The project itself is not built. */
export async function readPyproject(text: string, readToml: TomlReader): Promise<Declaration> {
  const found = await readToml(text);
  if ('error' in found) return unread(file, `cannot be read: ${found.error}`);
  const requirements: string[] = [];
  const skipped: Skipped[] = [];
  const sources = new Set(found.sources.map(normalizedName));
  const lines = text.split(/\r\n|\n|\r/);
  for (const wanted of found.dependencies) {
    const requirement = readRequirement(wanted);
    const isElsewhere = sources.has(normalizedName(wanted));
    if ('text' in requirement && !isElsewhere) {
      requirements.push(requirement.text);
      continue;
    }
    const line = lines.findIndex((each) => each.includes(wanted)) + 1;
    const reason = 'skipped' in requirement ? requirement.skipped : 'source';
    skipped.push({ file, line: line === 0 ? undefined : line, text: wanted, reason });
  }
  return { requirements, skipped, notes: [...notesOf(found)] };
}

function* notesOf({ isDynamic, hasPoetry, dependencies, otherPython }: Pyproject): Generator<Note> {
  const command = commandFor(file);
  if (isDynamic) {
    const text = `The dependencies of ${file} are dynamic: only a build computes them, and projects are not built.`;
    yield { text, command };
  }
  if (hasPoetry && dependencies.length === 0) {
    yield { text: `${file} has its dependencies in [tool.poetry]; only those in [project] are read.`, command };
  }
  if (otherPython !== null) {
    yield { text: `${file} requires Python ${otherPython}; this machine has another version.` };
  }
}
