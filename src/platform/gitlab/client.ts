import { Branches, Commits, Projects, Repositories } from '@gitbeaker/rest';
import type { Logger } from 'pino';
import { type Deadline, DeadlineExceeded } from '../../lib/deadline.ts';
import { createSingleFlightCache, type SingleFlightCache } from '../../lib/single-flight-cache.ts';
import { createCallerKey } from '../caller-key.ts';
import type { OutboundHttp } from '../outbound-http/types.ts';
import { createRateLimiter, type RateLimiterOptions } from './rate-limiter.ts';
import { createRequester, type RequesterOptions } from './requester.ts';
import { GitLabNotFound } from './responses.ts';
import { readBranch, readBranchTip, readCommit, readComparison, readListedCommit, readProject } from './shapes.ts';
import {
  type GitLab,
  type GitLabAccess,
  type GitLabBranch,
  type GitLabBranches,
  type GitLabCommit,
  type GitLabComparisons,
  type GitLabHistory,
  type GitLabProject,
  GitLabUnauthorized,
  GitLabUnavailable,
} from './types.ts';

export interface GitLabOptions {
  readonly log: Logger;
  /** The host of GitLab must be exempt from its address check: the address may be internal. */
  readonly http: OutboundHttp;
  /** Milliseconds for one attempt of one request, inside the caller's deadline; 10 s by default. */
  readonly requestTimeoutMs?: number;
  /** 8 MiB by default: a page of 50 projects has about 250 KiB. */
  readonly maxResponseBytes?: number;
  readonly limits?: RateLimiterOptions;
}

const projectsPerPage = 50;
/** Milliseconds for which public projects, branches and commits are cached. */
const publicTtlMs = 5_000;
const maxPublic = 1_000;
/** The maximum of GitLab. */
const branchesPerPage = 100;
const commitsPerPage = 20;

/**
 * Returns a client of GitLab's REST API v4 for all users: the access token is an argument of each call. Between calls,
 * the client keeps the state of GitLab's rate limits and, for some seconds, public resources. Methods throw the errors of
 * `types.ts`.
 */
export function createGitLab(options: GitLabOptions): GitLab & GitLabBranches & GitLabComparisons & GitLabHistory {
  const requester: RequesterOptions = {
    http: options.http,
    log: options.log,
    requestTimeoutMs: options.requestTimeoutMs ?? 10_000,
    maxResponseBytes: options.maxResponseBytes ?? 8 * 1024 * 1024,
    limiter: createRateLimiter(options.limits),
  };
  const keyOf = createCallerKey();
  const shared = <T>() => createSingleFlightCache<T | undefined>({ ttlMs: publicTtlMs, maxSize: maxPublic });
  const publicCaches = {
    projects: shared<GitLabProject>(),
    branches: shared<GitLabBranch>(),
    commits: shared<GitLabCommit>(),
  };

  /**
   * Callers without a token share lookups, because all of them see the same: a class of anonymous users costs one
   * request. Callers with a token share nothing: even a public project has branches that only its members see.
   */
  const lookUp = async <T>(
    cache: SingleFlightCache<T>,
    access: GitLabAccess,
    path: readonly (string | number)[],
    load: (deadline: Deadline) => Promise<T>,
    deadline: Deadline,
  ): Promise<T> => {
    if (access.token !== null) return load(deadline);
    try {
      return await cache.get(JSON.stringify([access.url, ...path]), {
        deadline,
        // A missing resource may be created at any moment.
        isUsable: (cached) => cached !== undefined,
        load,
      });
    } catch (error) {
      // The error of the cache does not name GitLab.
      if (!(error instanceof DeadlineExceeded)) throw error;
      throw new GitLabUnavailable(`GitLab at ${new URL(access.url).host} did not respond in time`, { cause: error });
    }
  };

  /**
   * Returns the options of a gitbeaker resource for one call. A single resource class costs 14 us, the `Gitlab` bundle
   * 2.2 ms. Without a token, the key is left out: gitbeaker would send the text "undefined".
   */
  const resource = (access: GitLabAccess, deadline: Deadline) => {
    if (!/^https?:$/.test(URL.parse(access.url)?.protocol ?? '')) {
      throw new GitLabUnavailable('the address of GitLab is not an http(s) address');
    }
    // Other characters cannot be sent in a header, and GitLab issues no such tokens.
    if (access.token !== null && !/^[\x21-\x7e]+$/.test(access.token)) {
      throw new GitLabUnauthorized('the access token for GitLab has invalid characters');
    }
    return {
      host: access.url.replace(/\/+$/, ''),
      queryTimeout: null,
      rateLimits: {},
      requesterFn: createRequester(requester, { token: access.token, key: keyOf(access.token) }, deadline),
      ...(access.token === null ? {} : { oauthToken: access.token }),
    };
  };

  /** Returns the valid entries of a list; an invalid entry is logged and left out. */
  const listed = <T>(body: unknown, read: (entry: unknown) => T | undefined, access: GitLabAccess, what: string) => {
    if (!Array.isArray(body)) throw unusable(access, `list of ${what}`);
    const entries = body.map(read).filter((entry) => entry !== undefined);
    if (entries.length < body.length) {
      options.log.warn(
        { host: new URL(access.url).host, what, count: body.length - entries.length },
        'left out incomplete entries of a list of GitLab',
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
      return lookUp(publicCaches.projects, access, [pathOrId], load, deadline);
    },

    async branch(access, projectPathOrId, name, deadline) {
      if (!isPathParameter(projectPathOrId) || !isPathParameter(name)) return undefined;
      const load = async (inner: Deadline) => {
        const body = await found(new Branches(resource(access, inner)).show(projectPathOrId, name));
        return body === undefined ? undefined : usable(readBranch(body), access, 'branch');
      };
      return lookUp(publicCaches.branches, access, [projectPathOrId, name], load, deadline);
    },

    async commit(access, projectPathOrId, ref, deadline) {
      if (!isPathParameter(projectPathOrId) || !isPathParameter(ref)) return undefined;
      const load = async (inner: Deadline) => {
        const body = await found(new Commits(resource(access, inner)).show(projectPathOrId, ref));
        return body === undefined ? undefined : usable(readCommit(body), access, 'commit');
      };
      return lookUp(publicCaches.commits, access, [projectPathOrId, ref], load, deadline);
    },

    async projects(access, { search, page }, deadline) {
      const body: unknown = await found(
        new Projects(resource(access, deadline)).all<false, 'offset'>({
          orderBy: 'last_activity_at',
          sort: 'desc',
          perPage: projectsPerPage,
          // With a page, gitbeaker fetches that page only; without one, all pages.
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
      const response = await found(
        new Branches(resource(access, deadline)).all<true, 'offset'>(projectPathOrId, {
          search: 'prefix' in wanted ? `^${wanted.prefix}` : wanted.search,
          perPage: branchesPerPage,
          page,
          showExpanded: true,
        }),
      );
      if (response === undefined) return undefined;
      const branches = listed(response.data, readBranchTip, access, 'branches');
      return { branches, nextPage: response.paginationInfo.next ?? undefined };
    },

    async commits(access, projectPathOrId, { ref, page }, deadline) {
      if (!isPathParameter(projectPathOrId) || ref?.includes('\0')) return undefined;
      const response = await found(
        new Commits(resource(access, deadline)).all<true, 'offset'>(projectPathOrId, {
          ...(ref ? { refName: ref } : {}),
          perPage: commitsPerPage,
          page,
          showExpanded: true,
        }),
      );
      if (response === undefined) return undefined;
      const commits = listed(response.data, readListedCommit, access, 'commits');
      return { commits, nextPage: response.paginationInfo.next ?? undefined };
    },

    async compare(access, projectPathOrId, { from, to }, deadline) {
      if (!isPathParameter(projectPathOrId)) return undefined;
      const body = await found(new Repositories(resource(access, deadline)).compare(projectPathOrId, from, to));
      return body === undefined ? undefined : usable(readComparison(body), access, 'comparison');
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
 * Returns whether a value can be part of a request path. Empty text and dot segments survive percent-encoding and would
 * address another resource (`branches/..` is the repository). GitLab rejects a NUL with 400.
 */
function isPathParameter(value: string | number): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value > 0;
  return value !== '' && value !== '.' && value !== '..' && !value.includes('\0') && value.isWellFormed();
}

async function found<T>(response: Promise<T>): Promise<T | undefined> {
  try {
    return await response;
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
  return new GitLabUnavailable(`${new URL(access.url).host} did not send a valid ${what}`);
}
