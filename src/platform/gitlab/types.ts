import type { Deadline } from '../../lib/deadline.ts';

/** The GitLab to call, and the user's token. */
export interface GitLabAccess {
  /** Base URL without a trailing slash. */
  readonly url: string;
  /** null for a call without a token, which can read public projects only. */
  readonly token: string | null;
}

export interface GitLabProject {
  id: number;
  /** In the case that GitLab stores: `Group/Sub/My-Project`. */
  pathWithNamespace: string;
  name: string;
  description: string | null;
  defaultBranch: string | null;
  /** The repository has no commits. GitLab can name a default branch nevertheless. */
  isEmpty: boolean;
  visibility: 'public' | 'internal' | 'private';
  webUrl: string;
  httpUrlToRepo: string;
  /** The caller's highest access level in project and group, from 10 (guest) to 50 (owner); 10 if unknown. */
  accessLevel: number;
  lastActivityAt: string | null;
}

export interface GitLabBranch {
  name: string;
  commitSha: string;
}

/** A branch in a list. */
export interface GitLabBranchTip extends GitLabBranch {
  /** The date of its commit, as GitLab writes it; null if unknown. */
  readonly committedDate: string | null;
}

export interface GitLabBranchPage {
  readonly branches: readonly GitLabBranchTip[];
  /** undefined on the last page. */
  readonly nextPage: number | undefined;
}

export interface GitLabCommit {
  sha: string;
  committedDate: string | null;
}

/** A commit in a list. */
export interface GitLabListedCommit extends GitLabCommit {
  /** The first line of its message. */
  readonly title: string;
  readonly authorName: string | null;
}

export interface GitLabCommitPage {
  readonly commits: readonly GitLabListedCommit[];
  /** undefined on the last page. */
  readonly nextPage: number | undefined;
}

/** A commit of a comparison. */
export interface GitLabComparedCommit extends GitLabListedCommit {
  /** Full ids. */
  readonly parents: readonly string[];
}

/** What a commit has and another one has not. */
export interface GitLabComparison {
  readonly commits: readonly GitLabComparedCommit[];
  /** Paths of the files that differ from the common ancestor. */
  readonly files: readonly string[];
  /** Whether all files are listed: GitLab limits their number. */
  readonly hasAllFiles: boolean;
}

/** GitLab is down, slow or overloaded, or sent an invalid response. Never used for "not found". */
export class GitLabUnavailable extends Error {
  override readonly name = 'GitLabUnavailable';
  /** Seconds, from the Retry-After header of a 429 or 503. */
  readonly retryAfterSeconds: number | undefined;
  /** As in GitLabRefused. */
  readonly reason: string | undefined;
  constructor(
    message: string,
    options?: { cause?: unknown; retryAfterSeconds?: number | undefined; reason?: string | undefined },
  ) {
    super(message, { cause: options?.cause });
    this.retryAfterSeconds = options?.retryAfterSeconds;
    this.reason = options?.reason;
  }
}

/** GitLab rejects the token (401): the caller must sign in again. */
export class GitLabUnauthorized extends Error {
  override readonly name = 'GitLabUnauthorized';
  /** As in GitLabRefused. */
  readonly reason: string | undefined;
  constructor(message: string, reason?: string) {
    super(message);
    this.reason = reason;
  }
}

/**
 * GitLab denies a request: the caller may not make this change, or the account is restricted until its owner acts
 * (accepts terms, sets a new password). Never used for "not found".
 */
export class GitLabRefused extends Error {
  override readonly name = 'GitLabRefused';
  readonly status: number;
  /** GitLab's own words, one line of plain text; undefined if GitLab gives no reason. */
  readonly reason: string | undefined;
  constructor(message: string, status: number, reason: string | undefined) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

/**
 * Reads of GitLab's API. They return undefined if the resource does not exist or the caller has no access: GitLab answers
 * 404, or 403 without a reason. They throw GitLabUnavailable, GitLabUnauthorized and GitLabRefused.
 */
export interface GitLab {
  project(access: GitLabAccess, pathOrId: string | number, deadline: Deadline): Promise<GitLabProject | undefined>;
  branch(
    access: GitLabAccess,
    projectPathOrId: string | number,
    name: string,
    deadline: Deadline,
  ): Promise<GitLabBranch | undefined>;
  /** `ref` is any name that GitLab resolves: a full or short id, a tag, a branch. */
  commit(
    access: GitLabAccess,
    projectPathOrId: string | number,
    ref: string,
    deadline: Deadline,
  ): Promise<GitLabCommit | undefined>;
  /** Returns one page (at most 50) of the projects that the caller can launch, the last active one first. */
  projects(
    access: GitLabAccess,
    options: { search?: string; page: number },
    deadline: Deadline,
  ): Promise<GitLabProject[]>;
}

/** Branches and commits of a project, for the launch page. */
export interface GitLabHistory extends Pick<GitLabBranches, 'branches'> {
  /**
   * Returns one page of at most 20 commits, newest first, starting at `ref`; undefined if the caller cannot see the project or
   * it has no such ref.
   */
  commits(
    access: GitLabAccess,
    projectPathOrId: string | number,
    options: { ref: string | undefined; page: number },
    deadline: Deadline,
  ): Promise<GitLabCommitPage | undefined>;
}

/** Comparisons of commits. */
export interface GitLabComparisons {
  /**
   * Returns what `to` has and `from` has not, each named as in `commit`; undefined if the caller cannot see the project or one of
   * the commits does not exist.
   */
  compare(
    access: GitLabAccess,
    projectPathOrId: string | number,
    refs: { readonly from: string; readonly to: string },
    deadline: Deadline,
  ): Promise<GitLabComparison | undefined>;
}

/** Operations on the branches of a project. */
export interface GitLabBranches {
  /**
   * Returns one page of at most 100 branches whose names start with `prefix` or contain `search`, ignoring case;
   * undefined if the caller cannot see the project.
   */
  branches(
    access: GitLabAccess,
    projectPathOrId: string | number,
    options: { page: number } & ({ prefix: string } | { search: string }),
    deadline: Deadline,
  ): Promise<GitLabBranchPage | undefined>;
  /** Returns true after the deletion, and false if there is no such branch or the caller cannot see the project. */
  deleteBranch(
    access: GitLabAccess,
    projectPathOrId: string | number,
    name: string,
    deadline: Deadline,
  ): Promise<boolean>;
  /**
   * Returns the full id of the best common ancestor of two commits, each named as in `commit`; undefined if there is none
   * or one of the commits does not exist.
   */
  mergeBase(
    access: GitLabAccess,
    projectPathOrId: string | number,
    refs: readonly [string, string],
    deadline: Deadline,
  ): Promise<string | undefined>;
}
