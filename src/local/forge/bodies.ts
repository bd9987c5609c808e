import type { Commit } from './commit.ts';
import { mayPush, rulesFor } from './protected-branches.ts';
import { accessLevel, type ForgeProject, type ForgeUser, levelOf, pathWithNamespace } from './records.ts';
import type { Branch, ComparedFile, Facts } from './repository.ts';

/** Response bodies of GitLab's REST API v4. */

export function userBody(user: ForgeUser, publicUrl: string) {
  return {
    id: user.id,
    username: user.username,
    name: user.name,
    email: user.email,
    state: 'active',
    avatar_url: null,
    web_url: `${publicUrl}/${encodeURIComponent(user.username)}`,
  };
}

export function projectBody(project: ForgeProject, facts: Facts, user: ForgeUser | undefined, publicUrl: string) {
  const fullPath = pathWithNamespace(project);
  const url = `${publicUrl}/${fullPath}`;
  const level = levelOf(project, user);
  const newest = facts.newestCommitAt === null ? project.createdAt : new Date(facts.newestCommitAt).toISOString();
  return {
    id: project.id,
    description: project.description,
    name: project.name,
    path: project.path,
    path_with_namespace: fullPath,
    created_at: project.createdAt,
    default_branch: facts.defaultBranch,
    http_url_to_repo: `${url}.git`,
    web_url: url,
    // The commits of the demo project are older than the project.
    last_activity_at: newest > project.createdAt ? newest : project.createdAt,
    namespace: { full_path: project.namespace },
    visibility: project.visibility,
    empty_repo: facts.defaultBranch === null,
    // GitLab omits this member for anonymous callers.
    ...(user
      ? {
          permissions: {
            project_access: level === accessLevel.none ? null : { access_level: level, notification_level: 3 },
            group_access: null,
          },
        }
      : {}),
  };
}

export function branchBody(
  project: ForgeProject,
  branch: Branch,
  defaultBranch: string | null,
  level: number,
  publicUrl: string,
) {
  const isDefault = branch.name === defaultBranch;
  const own = rulesFor(project, branch.name, defaultBranch);
  const isAllowed = (caller: number) => own.length === 0 || own.some((rule) => mayPush(rule, caller));
  return {
    name: branch.name,
    commit: commitBody(project, branch.commit, publicUrl),
    merged: false,
    protected: own.length > 0,
    developers_can_push: isAllowed(accessLevel.developer),
    developers_can_merge: true,
    can_push: level >= accessLevel.developer && isAllowed(level),
    default: isDefault,
    web_url: `${publicUrl}/${pathWithNamespace(project)}/-/tree/${encodeURI(branch.name)}`,
  };
}

export function commitBody(project: ForgeProject, commit: Commit, publicUrl: string) {
  return {
    id: commit.sha,
    short_id: commit.sha.slice(0, 8),
    created_at: commit.committer.date,
    parent_ids: commit.parents,
    title: commit.title,
    message: commit.message,
    author_name: commit.author.name,
    author_email: commit.author.email,
    authored_date: commit.author.date,
    committer_name: commit.committer.name,
    committer_email: commit.committer.email,
    committed_date: commit.committer.date,
    trailers: {},
    web_url: `${publicUrl}/${pathWithNamespace(project)}/-/commit/${commit.sha}`,
  };
}

/** The texts of the diffs are left out, as GitLab does for all but the first files. */
export function comparisonBody(
  project: ForgeProject,
  compared: {
    readonly commits: readonly Commit[];
    readonly files: readonly ComparedFile[];
    readonly hasAllFiles: boolean;
  },
  publicUrl: string,
) {
  const commits = compared.commits.map((commit) => commitBody(project, commit, publicUrl));
  return {
    commit: commits.at(-1) ?? null,
    commits,
    diffs: compared.files.map(({ path, change }) => ({
      diff: '',
      collapsed: true,
      too_large: false,
      old_path: path,
      new_path: path,
      new_file: change === 'A',
      renamed_file: false,
      deleted_file: change === 'D',
    })),
    compare_timeout: !compared.hasAllFiles,
    compare_same_ref: commits.length === 0 && compared.files.length === 0,
  };
}
