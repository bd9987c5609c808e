import { isRefName } from './ref-name.ts';

/**
 * The parts of an autosave's branch name. A session that ends with unpushed work pushes that work to the branch
 * `renku/autosave/<user name>/<branch>/<commit of the launch>/<last commit of the user>`, with the first 7 characters of
 * each commit id. The branch contains the user's commits, followed by commits with the uncommitted work.
 */
export interface Autosave {
  /** The user name, not escaped. */
  readonly username: string;
  readonly rootBranch: string;
  /** 7 characters. */
  readonly rootCommit: string;
  /** 7 characters. */
  readonly finalCommit: string;
}

const grammar =
  /^renku\/autosave\/(?<username>[^/]+)\/(?<rootBranch>.+)\/(?<rootCommit>[a-zA-Z0-9]{7})\/(?<finalCommit>[a-zA-Z0-9]{7})$/;

/** Returns the parts of the branch name; undefined if the branch is not an autosave. The root branch may contain slashes. */
export function parseAutosave(branch: string): Autosave | undefined {
  const { username, rootBranch, rootCommit, finalCommit } = grammar.exec(branch)?.groups ?? {};
  if (!username || !rootBranch || !rootCommit || !finalCommit || !isRefName(branch)) return undefined;
  return { username, rootBranch, rootCommit, finalCommit };
}

/** Returns the branch name of the autosave. The commits may be full ids. */
export function autosaveBranch({ username, rootBranch, rootCommit, finalCommit }: Autosave): string {
  return `${autosavePrefix(username)}${rootBranch}/${rootCommit.slice(0, 7)}/${finalCommit.slice(0, 7)}`;
}

/** Returns the prefix of the branch names of all autosaves of the user. */
export function autosavePrefix(username: string): string {
  return `renku/autosave/${username}/`;
}
