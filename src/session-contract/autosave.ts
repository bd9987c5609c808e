import { isRefName } from './ref-name.ts';

/**
 * The parts of an autosave's name. A session that ends with work that is in no branch pushes that work as the branch
 * `renku/autosave/<user name>/<branch>/<commit of the launch>/<last commit of the user>`, with the first 7 characters of
 * each commit's id. The commits of the autosave after the user's last commit have the work that was not committed.
 */
export interface Autosave {
  /** Not escaped. */
  readonly username: string;
  readonly rootBranch: string;
  /** 7 characters. */
  readonly rootCommit: string;
  /** 7 characters. */
  readonly finalCommit: string;
}

const grammar =
  /^renku\/autosave\/(?<username>[^/]+)\/(?<rootBranch>.+)\/(?<rootCommit>[a-zA-Z0-9]{7})\/(?<finalCommit>[a-zA-Z0-9]{7})$/;

/** Returns undefined if the branch is not an autosave. The root branch may have slashes in its name. */
export function parseAutosave(branch: string): Autosave | undefined {
  const { username, rootBranch, rootCommit, finalCommit } = grammar.exec(branch)?.groups ?? {};
  if (!username || !rootBranch || !rootCommit || !finalCommit || !isRefName(branch)) return undefined;
  return { username, rootBranch, rootCommit, finalCommit };
}

/** Returns the name of the autosave's branch. The commits may be full ids. */
export function autosaveBranch({ username, rootBranch, rootCommit, finalCommit }: Autosave): string {
  return `${autosavePrefix(username)}${rootBranch}/${rootCommit.slice(0, 7)}/${finalCommit.slice(0, 7)}`;
}

/** Returns the beginning of the names of all the user's autosaves. */
export function autosavePrefix(username: string): string {
  return `renku/autosave/${username}/`;
}
