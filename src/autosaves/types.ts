import type { RegisteredUser } from '../identity/types.ts';

/** A new session of a user who can push to its project, and can have autosaves there. */
export interface NewSession {
  readonly name: string;
  readonly user: RegisteredUser;
  /** The id of the project in GitLab. */
  readonly projectId: number;
  readonly branch: string;
  /** The full id of the commit from which the session was launched. */
  readonly commitSha: string;
  /** The commits of the user's other sessions of the project and branch: full ids, or the text of the launch request. */
  readonly commitsInUse: readonly string[];
}

/** Deletes the autosaves that a new session supersedes, in the background. */
export interface AutosaveCleanUp {
  /** Queues a clean-up. Returns at once and never throws. */
  afterLaunch(session: NewSession): void;
  /** Aborts the clean-ups in progress and removes the waiting ones. Resolves when they have ended. */
  stop(): Promise<void>;
}
