import { asObject } from '../../lib/json.ts';
import type {
  GitLabBranch,
  GitLabBranchTip,
  GitLabCommit,
  GitLabComparison,
  GitLabListedCommit,
  GitLabProject,
} from './types.ts';

/** Access levels as GitLab numbers them: 10 guest, 20 reporter, 30 developer, 40 maintainer, 50 owner. */
const guest = 10;
const sha = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

/** Returns the project that GitLab describes, or undefined if `value` is not a valid description. */
export function readProject(value: unknown): GitLabProject | undefined {
  const body = asObject(value);
  const id = body?.['id'];
  const pathWithNamespace = text(body?.['path_with_namespace']);
  const httpUrlToRepo = text(body?.['http_url_to_repo']);
  if (!body || typeof id !== 'number' || !Number.isSafeInteger(id) || !pathWithNamespace?.includes('/'))
    return undefined;
  if (!httpUrlToRepo || !/^https?:\/\//i.test(httpUrlToRepo)) return undefined;
  const permissions = asObject(body['permissions']);
  const visibility = body['visibility'];
  return {
    id,
    pathWithNamespace,
    name: text(body['name']) ?? pathWithNamespace.slice(pathWithNamespace.lastIndexOf('/') + 1),
    description: text(body['description']) ?? null,
    defaultBranch: text(body['default_branch']) ?? null,
    isEmpty: body['empty_repo'] === true,
    // An unknown visibility is treated as private, so that no private project is taken for a public one.
    visibility: visibility === 'public' || visibility === 'internal' ? visibility : 'private',
    webUrl: text(body['web_url']) ?? httpUrlToRepo.replace(/\.git$/, ''),
    httpUrlToRepo,
    accessLevel: Math.max(
      guest,
      accessLevel(permissions?.['project_access']),
      accessLevel(permissions?.['group_access']),
    ),
    lastActivityAt: text(body['last_activity_at']) ?? null,
  };
}

/** Returns the branch that GitLab describes, or undefined if `value` is not a valid description. */
export function readBranch(value: unknown): GitLabBranch | undefined {
  const body = asObject(value);
  const name = text(body?.['name']);
  const commitSha = text(asObject(body?.['commit'])?.['id']);
  return name && commitSha && sha.test(commitSha) ? { name, commitSha } : undefined;
}

/** Returns the branch with the date of its commit, as lists have it, or undefined if `value` is not a valid description. */
export function readBranchTip(value: unknown): GitLabBranchTip | undefined {
  const branch = readBranch(value);
  return (
    branch && { ...branch, committedDate: text(asObject(asObject(value)?.['commit'])?.['committed_date']) ?? null }
  );
}

/** Returns the commit that GitLab describes, or undefined if `value` is not a valid description. */
export function readCommit(value: unknown): GitLabCommit | undefined {
  const body = asObject(value);
  const id = text(body?.['id']);
  return id && sha.test(id) ? { sha: id, committedDate: text(body?.['committed_date']) ?? null } : undefined;
}

/** Returns the commit with title and author, as lists have it, or undefined if `value` is not a valid description. */
export function readListedCommit(value: unknown): GitLabListedCommit | undefined {
  const commit = readCommit(value);
  const body = asObject(value);
  return commit && { ...commit, title: text(body?.['title']) ?? '', authorName: text(body?.['author_name']) ?? null };
}

/** GitLab ends the list of files at this number by default (`diff_max_files`), and does not say so. */
const maxComparedFiles = 1_000;

/** Returns the comparison that GitLab describes, or undefined if `value` is not a valid description. */
export function readComparison(value: unknown): GitLabComparison | undefined {
  const body = asObject(value);
  const { commits, diffs } = body ?? {};
  if (!Array.isArray(commits) || !Array.isArray(diffs)) return undefined;
  return {
    commits: commits.flatMap((each) => {
      const commit = readListedCommit(each);
      const parents = asObject(each)?.['parent_ids'];
      return commit ? [{ ...commit, parents: Array.isArray(parents) ? parents.filter(isText) : [] }] : [];
    }),
    files: diffs.flatMap((diff) => text(asObject(diff)?.['new_path']) ?? []),
    hasAllFiles: body?.['compare_timeout'] !== true && diffs.length < maxComparedFiles,
  };
}

const isText = (value: unknown): value is string => typeof value === 'string';

function accessLevel(value: unknown): number {
  const level = asObject(value)?.['access_level'];
  return typeof level === 'number' ? level : 0;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
