import type { RegisteredUser } from '../identity/types.ts';

/** A session that was just made for somebody who may push to its project, and so may have autosaves there. */
export interface NewSession {
  readonly name: string;
  readonly user: RegisteredUser;
  /** GitLab's number of the project. */
  readonly projectId: number;
  readonly branch: string;
  /** Full id of the commit that it was launched from. */
  readonly commitSha: string;
  /** Commits, as their launches named them, of this user's sessions of the same project and branch. */
  readonly commitsInUse: readonly string[];
}

/** Deletes autosaves that a new session supersedes, some time after its launch. */
export interface AutosaveCleanUp {
  /** Never fails, and the launch does not wait for anything. */
  afterLaunch(session: NewSession): void;
  /** Ends what is under way and forgets what is waiting. */
  stop(): Promise<void>;
}
