import type { NotSaved } from './not-savable.ts';
import type { RepositoryPath } from './paths.ts';

export interface Author {
  readonly name: string;
  readonly email: string;
}

export interface CollectSettings {
  readonly author: Author;
  /** The message of the commit. */
  readonly message: string;
  readonly savedAt: Date;
  /** New files of at least this size are stored in Git LFS; undefined: none. */
  readonly lfsMinimumBytes: number | undefined;
  /** Saves with the same name, which the new one replaces and keeps. */
  readonly former: readonly string[];
  /** Stores files as they are also if their attributes say Git LFS: the LFS server of a submodule may be another one. */
  readonly isSubmodule?: boolean;
  /** Bundles of the submodules. */
  readonly submodules: readonly SavedSubmodule[];
}

export interface SavedSubmodule {
  readonly path: RepositoryPath;
  readonly commit: string;
  /** The file of the bundle. */
  readonly bundle: string;
  /** With paths in the submodule. */
  readonly notSaved: readonly NotSaved[];
}
