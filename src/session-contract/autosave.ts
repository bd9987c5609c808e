import { isRefName } from './ref-name.ts';

/**
 * What the name of an autosave says. A session that ends with work which is in no branch pushes it as
 * `renku/autosave/<user name>/<branch>/<commit launched from>/<commit when saved>`, with the first 7 characters of each
 * commit's id. Both commits are needed: what lies between the second and the branch's tip was not committed yet.
 */
export interface Autosave {
  /** As the user's identity has it, not escaped. */
  readonly username: string;
  readonly rootBranch: string;
  /** 7 characters. */
  readonly rootCommit: string;
  /** 7 characters. */
  readonly finalCommit: string;
}

const grammar =
  /^renku\/autosave\/(?<username>[^/]+)\/(?<rootBranch>.+)\/(?<rootCommit>[a-zA-Z0-9]{7})\/(?<finalCommit>[a-zA-Z0-9]{7})$/;

/** Reads from both ends, because the root branch may have slashes in its name. undefined: not the name of an autosave. */
export function parseAutosave(branch: string): Autosave | undefined {
  const { username, rootBranch, rootCommit, finalCommit } = grammar.exec(branch)?.groups ?? {};
  if (!username || !rootBranch || !rootCommit || !finalCommit || !isRefName(branch)) return undefined;
  return { username, rootBranch, rootCommit, finalCommit };
}

/** The name of the branch. Commits may be given in full. */
export function autosaveBranch({ username, rootBranch, rootCommit, finalCommit }: Autosave): string {
  return `${autosavePrefix(username)}${rootBranch}/${rootCommit.slice(0, 7)}/${finalCommit.slice(0, 7)}`;
}

/** What the names of all autosaves of a user begin with. */
export function autosavePrefix(username: string): string {
  return `renku/autosave/${username}/`;
}
