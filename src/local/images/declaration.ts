import type { SkipReason } from './requirement.ts';

/** The files that may list a project's requirements, in the order in which they are read. */
export const environmentFiles = ['requirements.txt', 'pyproject.toml', 'environment.yml'] as const;
export type EnvironmentFile = (typeof environmentFiles)[number];

/** The requirements that a file declares. */
export interface Declaration {
  readonly requirements: readonly string[];
  readonly skipped: readonly Skipped[];
  readonly notes: readonly Note[];
}

/** An entry of a file that is not installed. */
export interface Skipped {
  readonly file: EnvironmentFile;
  /** Line number from 1; undefined if it is not known. */
  readonly line: number | undefined;
  readonly text: string;
  readonly reason: SkipReason;
}

/** A sentence about the file for the session's owner. */
export interface Note {
  readonly text: string;
  /** A command for a terminal of the session: the remedy. */
  readonly command?: string;
}

/** Returns the declaration of a file that cannot be read. */
export const unread = (file: EnvironmentFile, reason: string): Declaration => ({
  requirements: [],
  skipped: [],
  notes: [{ text: `${file} ${reason}.`, command: commandFor(file) }],
});

/**
 * Returns the command that installs the file's packages in a terminal of the session. The command contains no text of the file.
 */
export function commandFor(file: EnvironmentFile): string {
  if (file === 'requirements.txt') return 'pip install -r requirements.txt';
  return file === 'pyproject.toml' ? 'pip install .' : 'pip install PACKAGE';
}
