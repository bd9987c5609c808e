import type { Deadline } from '../../lib/deadline.ts';

/** Whose eyes to look with; no token: public projects only. */
export interface GitLabAccess {
  /** Base URL without a trailing slash. */
  readonly url: string;
  readonly token: string | null;
}

export interface GitLabProject {
  id: number;
  /** With the case GitLab keeps: `Group/Sub/My-Project`. */
  pathWithNamespace: string;
  name: string;
  description: string | null;
  defaultBranch: string | null;
  /** The repository has no commits; GitLab may name a default branch all the same. */
  isEmpty: boolean;
  visibility: 'public' | 'internal' | 'private';
  webUrl: string;
  httpUrlToRepo: string;
  /** The caller's highest access level (10 guest .. 50 owner), from project and group; 10 where unknown. */
  accessLevel: number;
  lastActivityAt: string | null;
}

export interface GitLabBranch {
  name: string;
  commitSha: string;
}

/** A branch as a list shows it. */
export interface GitLabBranchTip extends GitLabBranch {
  /** When its commit was made, as GitLab writes it; null where it does not say. */
  readonly committedDate: string | null;
}

export interface GitLabBranchPage {
  readonly branches: readonly GitLabBranchTip[];
  /** undefined: this was the last one. */
  readonly nextPage: number | undefined;
}

export interface GitLabCommit {
  sha: string;
  committedDate: string | null;
}

/** A commit as a list shows it. */
export interface GitLabListedCommit extends GitLabCommit {
  /** The first line of its message. */
  readonly title: string;
  readonly authorName: string | null;
}

export interface GitLabCommitPage {
  readonly commits: readonly GitLabListedCommit[];
  /** undefined: this was the last one. */
  readonly nextPage: number | undefined;
}

/** GitLab did not give a usable answer: down, slow, refusing, nonsense. Never used for "not found". */
export class GitLabUnavailable extends Error {
  override readonly name = 'GitLabUnavailable';
  /** 429 and 503 may say it. Seconds. */
  readonly retryAfterSeconds: number | undefined;
  /** As of GitLabRefused. */
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

/** GitLab refuses the token (401): the caller must sign in again. */
export class GitLabUnauthorized extends Error {
  override readonly name = 'GitLabUnauthorized';
  /** As of GitLabRefused. */
  readonly reason: string | undefined;
  constructor(message: string, reason?: string) {
    super(message);
    this.reason = reason;
  }
}

/**
 * GitLab understands a request and refuses it: the caller may not make this change, or the account may do nothing before
 * its owner has done something (accepted terms, set a new password). Never used for "not found".
 */
export class GitLabRefused extends Error {
  override readonly name = 'GitLabRefused';
  readonly status: number;
  /** GitLab's own words, one line of plain text; undefined where it gives no reason. */
  readonly reason: string | undefined;
  constructor(message: string, status: number, reason: string | undefined) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

/**
 * undefined means that GitLab says it is not there (or not for this caller): 404, or 403 without a reason. Throws
 * GitLabUnavailable, GitLabUnauthorized and GitLabRefused.
 */
export interface GitLab {
  project(access: GitLabAccess, pathOrId: string | number, deadline: Deadline): Promise<GitLabProject | undefined>;
  branch(
    access: GitLabAccess,
    projectPathOrId: string | number,
    name: string,
    deadline: Deadline,
  ): Promise<GitLabBranch | undefined>;
  /** `ref`: whatever GitLab resolves: full or short id, tag, branch. */
  commit(
    access: GitLabAccess,
    projectPathOrId: string | number,
    ref: string,
    deadline: Deadline,
  ): Promise<GitLabCommit | undefined>;
  /** One page (at most 50) of projects the caller can launch, last active first. */
  projects(
    access: GitLabAccess,
    options: { search?: string; page: number },
    deadline: Deadline,
  ): Promise<GitLabProject[]>;
}

/** What a launch form offers of a project. */
export interface GitLabHistory extends Pick<GitLabBranches, 'branches'> {
  /** At most 20 commits, newest first, from `ref` on; undefined: no such project for the caller, or no such ref in it. */
  commits(
    access: GitLabAccess,
    projectPathOrId: string | number,
    options: { ref: string | undefined; page: number },
    deadline: Deadline,
  ): Promise<GitLabCommitPage | undefined>;
}

/** What is done with the branches that sessions leave behind. */
export interface GitLabBranches {
  /**
   * At most 100 branches whose names begin with `prefix` or have `search` in them, whatever the case; undefined: no such
   * project for the caller.
   */
  branches(
    access: GitLabAccess,
    projectPathOrId: string | number,
    options: { page: number } & ({ prefix: string } | { search: string }),
    deadline: Deadline,
  ): Promise<GitLabBranchPage | undefined>;
  /** true: it is deleted; false: there is none (or no such project for the caller). Throws GitLabRefused, too. */
  deleteBranch(
    access: GitLabAccess,
    projectPathOrId: string | number,
    name: string,
    deadline: Deadline,
  ): Promise<boolean>;
  /**
   * The full id of the best common ancestor of two commits, each named as `commit` takes it; undefined: they have none,
   * or one of them is not there.
   */
  mergeBase(
    access: GitLabAccess,
    projectPathOrId: string | number,
    refs: readonly [string, string],
    deadline: Deadline,
  ): Promise<string | undefined>;
}
