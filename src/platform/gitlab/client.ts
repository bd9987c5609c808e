import { Branches, Commits, Projects, Repositories } from '@gitbeaker/rest';
import type { Logger } from 'pino';
import type { Deadline } from '../../lib/deadline.ts';
import { createSingleFlightCache, type SingleFlightCache } from '../../lib/single-flight-cache.ts';
import { createCallerKey } from '../caller-key.ts';
import { createPace, type PaceOptions } from './pace.ts';
import { createRequester, GitLabNotFound, type RequesterOptions } from './requester.ts';
import { readBranch, readBranchTip, readCommit, readListedCommit, readProject } from './shapes.ts';
import {
  type GitLab,
  type GitLabAccess,
  type GitLabBranch,
  type GitLabBranches,
  type GitLabCommit,
  type GitLabHistory,
  type GitLabProject,
  GitLabUnauthorized,
  GitLabUnavailable,
} from './types.ts';

export interface GitLabOptions {
  readonly log: Logger;
  /** Milliseconds for one attempt of one request; the caller's deadline may be shorter. 10 s unless told. */
  readonly requestTimeoutMs?: number;
  /** 8 MiB unless told: a page of 50 projects is about 250 KiB. */
  readonly maxResponseBytes?: number;
  readonly pace?: PaceOptions;
}

const projectsPerPage = 50;
/** How long what is public counts as known. */
const publicTtlMs = 5_000;
const maxPublic = 1_000;
/** GitLab gives no more. */
const branchesPerPage = 100;
const commitsPerPage = 20;

/**
 * A client of GitLab's REST API v4 that serves every user: access is an argument of each call. Kept between calls are
 * idle connections, what GitLab said about its limits, and for some seconds what anybody may see. Errors are those of `types.ts`.
 */
export function createGitLab(options: GitLabOptions): GitLab & GitLabBranches & GitLabHistory {
  const requester: RequesterOptions = {
    log: options.log,
    requestTimeoutMs: options.requestTimeoutMs ?? 10_000,
    maxResponseBytes: options.maxResponseBytes ?? 8 * 1024 * 1024,
    pace: createPace(options.pace),
  };
  const keyOf = createCallerKey();
  const shared = <T>() => createSingleFlightCache<T | undefined>({ ttlMs: publicTtlMs, maxSize: maxPublic });
  const known = {
    projects: shared<GitLabProject>(),
    branches: shared<GitLabBranch>(),
    commits: shared<GitLabCommit>(),
  };

  /**
   * What anybody may see is the same for all who have no token: a class of anonymous users is one request. With a token
   * nothing is shared: even a public project has branches and commits that only its members see.
   */
  const lookUp = <T>(
    answers: SingleFlightCache<T>,
    access: GitLabAccess,
    what: readonly (string | number)[],
    load: (deadline: Deadline) => Promise<T>,
    deadline: Deadline,
  ): Promise<T> =>
    access.token === null
      ? answers.get(JSON.stringify([access.url, ...what]), {
          deadline,
          // What is not there now may have been pushed a moment later.
          isUsable: (answer) => answer !== undefined,
          load,
        })
      : load(deadline);

  /**
   * What every gitbeaker resource of one call is made with. Single resource classes cost 14 us each (the `Gitlab`
   * bundle 2.2 ms); an absent token is an absent key, as gitbeaker would send the text "undefined".
   */
  const resource = (access: GitLabAccess, deadline: Deadline) => {
    if (!/^https?:$/.test(URL.parse(access.url)?.protocol ?? '')) {
      throw new GitLabUnavailable('the address of GitLab is not an http(s) address');
    }
    // Anything else could not be sent as a header, and no GitLab issues such tokens.
    if (access.token !== null && !/^[\x21-\x7e]+$/.test(access.token)) {
      throw new GitLabUnauthorized('the access token for GitLab is not one');
    }
    return {
      host: access.url.replace(/\/+$/, ''),
      queryTimeout: null,
      rateLimits: {},
      requesterFn: createRequester(requester, { token: access.token, key: keyOf(access.token) }, deadline),
      ...(access.token === null ? {} : { oauthToken: access.token }),
    };
  };

  /** One entry that is not as it should be does not take the others away. */
  const listed = <T>(body: unknown, read: (entry: unknown) => T | undefined, access: GitLabAccess, what: string) => {
    if (!Array.isArray(body)) throw unusable(access, `list of ${what}`);
    const entries = body.map(read).filter((entry) => entry !== undefined);
    if (entries.length < body.length) {
      options.log.warn(
        { host: new URL(access.url).host, what, count: body.length - entries.length },
        'left out what GitLab describes incompletely',
      );
    }
    return entries;
  };

  return {
    async project(access, pathOrId, deadline) {
      if (!isPathParameter(pathOrId)) return undefined;
      const load = async (inner: Deadline) => {
        const body = await found(new Projects(resource(access, inner)).show(pathOrId));
        return body === undefined ? undefined : usable(readProject(body), access, 'project');
      };
      return lookUp(known.projects, access, [pathOrId], load, deadline);
    },

    async branch(access, projectPathOrId, name, deadline) {
      if (!isPathParameter(projectPathOrId) || !isPathParameter(name)) return undefined;
      const load = async (inner: Deadline) => {
        const body = await found(new Branches(resource(access, inner)).show(projectPathOrId, name));
        return body === undefined ? undefined : usable(readBranch(body), access, 'branch');
      };
      return lookUp(known.branches, access, [projectPathOrId, name], load, deadline);
    },

    async commit(access, projectPathOrId, ref, deadline) {
      if (!isPathParameter(projectPathOrId) || !isPathParameter(ref)) return undefined;
      const load = async (inner: Deadline) => {
        const body = await found(new Commits(resource(access, inner)).show(projectPathOrId, ref));
        return body === undefined ? undefined : usable(readCommit(body), access, 'commit');
      };
      return lookUp(known.commits, access, [projectPathOrId, ref], load, deadline);
    },

    async projects(access, { search, page }, deadline) {
      const body: unknown = await found(
        new Projects(resource(access, deadline)).all<false, 'offset'>({
          orderBy: 'last_activity_at',
          sort: 'desc',
          perPage: projectsPerPage,
          // With a page given, gitbeaker fetches that page only; without one it would go on for ever.
          page,
          ...(access.token === null ? { visibility: 'public' } : { membership: true }),
          ...(search ? { search, searchNamespaces: search.includes('/') } : {}),
        }),
      );
      if (body === undefined) return [];
      return listed(body, readProject, access, 'projects');
    },

    async branches(access, projectPathOrId, { page, ...wanted }, deadline) {
      if (!isPathParameter(projectPathOrId)) return undefined;
      const answer = await found(
        new Branches(resource(access, deadline)).all<true, 'offset'>(projectPathOrId, {
          search: 'prefix' in wanted ? `^${wanted.prefix}` : wanted.search,
          perPage: branchesPerPage,
          page,
          showExpanded: true,
        }),
      );
      if (answer === undefined) return undefined;
      const branches = listed(answer.data, readBranchTip, access, 'branches');
      return { branches, nextPage: answer.paginationInfo.next ?? undefined };
    },

    async commits(access, projectPathOrId, { ref, page }, deadline) {
      if (!isPathParameter(projectPathOrId) || ref?.includes('\0')) return undefined;
      const answer = await found(
        new Commits(resource(access, deadline)).all<true, 'offset'>(projectPathOrId, {
          ...(ref ? { refName: ref } : {}),
          perPage: commitsPerPage,
          page,
          showExpanded: true,
        }),
      );
      if (answer === undefined) return undefined;
      const commits = listed(answer.data, readListedCommit, access, 'commits');
      return { commits, nextPage: answer.paginationInfo.next ?? undefined };
    },

    async deleteBranch(access, projectPathOrId, name, deadline) {
      if (!isPathParameter(projectPathOrId) || !isPathParameter(name)) return false;
      const deleted = new Branches(resource(access, deadline)).remove(projectPathOrId, name).then(() => true);
      return (await found(deleted)) ?? false;
    },

    async mergeBase(access, projectPathOrId, refs, deadline) {
      if (!isPathParameter(projectPathOrId)) return undefined;
      const body = await found(new Repositories(resource(access, deadline)).mergeBase(projectPathOrId, [...refs]));
      return body === undefined ? undefined : usable(readCommit(body), access, 'commit').sha;
    },
  };
}

/**
 * Empty text and dot segments survive percent-encoding and would turn the request into one for another resource
 * (`branches/..` is the repository), so they name nothing. A NUL is refused by GitLab with a 400.
 */
function isPathParameter(value: string | number): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value > 0;
  return value !== '' && value !== '.' && value !== '..' && !value.includes('\0') && value.isWellFormed();
}

async function found<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof GitLabNotFound) return undefined;
    throw error;
  }
}

function usable<T>(value: T | undefined, access: GitLabAccess, what: string): T {
  if (value === undefined) throw unusable(access, what);
  return value;
}

function unusable(access: GitLabAccess, what: string): GitLabUnavailable {
  return new GitLabUnavailable(`${new URL(access.url).host} answered with something that is not a GitLab ${what}`);
}
