import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Deadline } from '../../lib/deadline.ts';
import { isRefName } from '../../session-contract/ref-name.ts';
import { sendJson } from '../http/responses.ts';
import { branchBody, commitBody, comparisonBody, projectBody, userBody } from './bodies.ts';
import type { FactsCache } from './facts-cache.ts';
import {
  apiCaller,
  errorOf,
  forbidden,
  HttpError,
  notFound,
  pageOf,
  paginate,
  type Target,
  unauthorized,
} from './http.ts';
import { parametersOf } from './parameters.ts';
import { protectedBranches, rulesFor } from './protected-branches.ts';
import {
  accessLevel,
  canReadCode,
  canSee,
  type ForgeProject,
  type ForgeUser,
  levelOf,
  pathWithNamespace,
  type Records,
} from './records.ts';
import {
  compareCommits,
  deleteBranch,
  findCommit,
  findCommits,
  listCommits,
  listTips,
  mergeBase,
  readBranch,
  readBranches,
} from './repository.ts';

export interface ApiContext {
  readonly records: Records;
  readonly facts: FactsCache;
  readonly publicUrl: string;
}

interface Call {
  readonly context: ApiContext;
  readonly method: string;
  readonly request: IncomingMessage;
  readonly query: URLSearchParams;
  readonly user: ForgeUser | undefined;
  readonly response: ServerResponse;
  readonly deadline: Deadline;
}

/**
 * Handles the part of GitLab's REST API v4 that the service uses. `target.segments` begin after `/api/v4`.
 * Throws HttpError for every error response.
 */
export async function serveApi(
  context: ApiContext,
  target: Target,
  request: IncomingMessage,
  response: ServerResponse,
  deadline: Deadline,
): Promise<void> {
  const user = apiCaller(request, context.records);
  const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET');
  const call: Call = { context, method, request, query: target.query, user, response, deadline };
  const [first, id, ...rest] = target.segments;
  if (first === 'projects' && id !== undefined) return serveProject(call, visibleProject(call, id), rest);
  if (method === 'GET' && id === undefined) {
    if (first === 'version') return sendJson(response, 200, { version: '17.0.0-forge', revision: 'local' });
    if (first === 'user') {
      if (!user) throw unauthorized();
      return sendJson(response, 200, userBody(user, context.publicUrl));
    }
    if (first === 'projects') return serveProjects(call);
  }
  throw new HttpError(404, { error: '404 Not Found' });
}

/** Returns a project by its number or path. Throws 404 even for an existing project if the caller may not see it. */
function visibleProject({ context, user }: Call, id: string): ForgeProject {
  const { records } = context;
  const project = /^\d{1,15}$/.test(id) ? records.projectById(Number(id)) : records.projectByPath(id);
  if (!project || !canSee(project, user)) throw notFound('Project');
  return project;
}

async function serveProject(call: Call, project: ForgeProject, rest: readonly string[]): Promise<void> {
  const { context, method, response, user, deadline, query } = call;
  if (method === 'GET' && rest.length === 0) {
    const facts = await context.facts.of(project);
    return sendJson(response, 200, projectBody(project, facts, user, context.publicUrl));
  }
  const [area, kind, name, ...more] = rest;
  if (area === 'protected_branches' && name === undefined) {
    if (!user) throw unauthorized();
    const url = `${context.publicUrl}/api/v4/projects/${project.id}/protected_branches`;
    const parameters = await parametersOf(call.request, query);
    // Another request may have changed the rules while the body of this one was read.
    const current = context.records.projectById(project.id) ?? project;
    const level = levelOf(current, user);
    const { status, body, headers } = protectedBranches(
      { records: context.records, project: current, level, method, parameters, url },
      kind,
    );
    if (body !== undefined) return sendJson(response, status, body, headers);
    response.writeHead(status).end();
    return;
  }
  if (area === 'repository' && more.length === 0) {
    if (!canReadCode(project, user)) throw forbidden();
    if (kind === 'branches' && name !== undefined) return serveBranch(call, project, name);
    if (method === 'GET' && kind === 'branches') return serveBranches(call, project);
    if (method === 'GET' && kind === 'commits' && name === undefined) return serveCommits(call, project);
    if (method === 'GET' && kind === 'commits' && name !== undefined) {
      const commit = await findCommit(project, name, deadline);
      if (!commit) throw notFound('Commit');
      return sendJson(response, 200, commitBody(project, commit, context.publicUrl));
    }
    if (method === 'GET' && kind === 'merge_base' && name === undefined) {
      return serveMergeBase(call, project, query.getAll('refs[]'));
    }
    if (method === 'GET' && kind === 'compare' && name === undefined) return serveCompare(call, project);
  }
  throw new HttpError(404, { error: '404 Not Found' });
}

async function serveProjects({ context, query, user, response }: Call): Promise<void> {
  const wanted = query.get('search')?.toLowerCase() ?? '';
  const visibility = query.get('visibility');
  const leastLevel = query.get('membership') === 'true' ? accessLevel.guest : accessLevel.none;
  const chosen = context.records.projects().filter((project) => {
    const text =
      query.get('search_namespaces') === 'true' ? pathWithNamespace(project) : `${project.name}\n${project.path}`;
    return (
      canSee(project, user) &&
      levelOf(project, user) >= leastLevel &&
      (visibility === null || project.visibility === visibility) &&
      text.toLowerCase().includes(wanted)
    );
  });
  const described = await Promise.all(
    chosen.map(async (project) => ({ project, facts: await context.facts.ofListed(project) })),
  );
  // A repository of the user that was moved or damaged is omitted.
  const bodies = described.flatMap(({ project, facts }) =>
    facts ? [projectBody(project, facts, user, context.publicUrl)] : [],
  );
  const order = orderOf(query.get('order_by'));
  const direction = query.get('sort') === 'asc' ? 1 : -1;
  bodies.sort((a, b) => direction * compare(a[order], b[order]) || direction * (a.id - b.id));
  const page = paginate(bodies, query, `${context.publicUrl}/api/v4/projects`);
  sendJson(response, 200, page.items, page.headers);
}

type Order = 'id' | 'name' | 'path' | 'created_at' | 'last_activity_at';

function orderOf(value: string | null): Order {
  switch (value) {
    case null:
      return 'created_at';
    case 'updated_at':
      return 'last_activity_at';
    case 'id':
    case 'name':
    case 'path':
    case 'created_at':
    case 'last_activity_at':
      return value;
    default:
      throw new HttpError(400, { error: 'order_by does not have a valid value' });
  }
}

function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

async function serveBranches(call: Call, project: ForgeProject): Promise<void> {
  const { context, query, response, deadline } = call;
  const matches = matcher(query.get('search') ?? '');
  const [all, { defaultBranch }] = await Promise.all([listTips(project, deadline), context.facts.of(project)]);
  const url = `${context.publicUrl}/api/v4/projects/${project.id}/repository/branches`;
  const page = paginate(
    all.filter(({ name }) => matches(name)),
    query,
    url,
  );
  const level = levelOf(project, call.user);
  const branches = await readBranches(project, page.items, deadline);
  const bodies = branches.map((branch) => branchBody(project, branch, defaultBranch, level, context.publicUrl));
  sendJson(response, 200, bodies, page.headers);
}

/** Lists commits. As in GitLab there is no total: counting a long history takes longer than reading one page. */
async function serveCommits(call: Call, project: ForgeProject): Promise<void> {
  const { context, query, response, deadline } = call;
  const { defaultBranch } = await context.facts.of(project);
  const ref = query.get('ref_name') || defaultBranch;
  if (ref === null) return sendJson(response, 200, []);
  const start = await findCommit(project, ref, deadline);
  if (!start) throw notFound('Repository or Revision');
  const wanted = pageOf(query);
  const { commits, hasMore } = await listCommits(project, start.sha, wanted, deadline);
  sendJson(
    response,
    200,
    commits.map((commit) => commitBody(project, commit, context.publicUrl)),
    {
      'X-Page': String(wanted.page),
      'X-Per-Page': String(wanted.perPage),
      'X-Next-Page': hasMore ? String(wanted.page + 1) : '',
      'X-Prev-Page': wanted.page > 1 ? String(wanted.page - 1) : '',
    },
  );
}

/** Returns a case-insensitive filter for GitLab's search: `^begin`, `end$`, or any part of the name. */
function matcher(search: string): (name: string) => boolean {
  const text = search.toLowerCase();
  if (text.startsWith('^')) return (name) => name.toLowerCase().startsWith(text.slice(1));
  if (text.endsWith('$')) return (name) => name.toLowerCase().endsWith(text.slice(0, -1));
  return (name) => name.toLowerCase().includes(text);
}

async function serveBranch(call: Call, project: ForgeProject, name: string): Promise<void> {
  const { context, method, user, response, deadline } = call;
  if (method !== 'GET' && method !== 'DELETE') throw errorOf(405, '405 Method Not Allowed');
  const level = levelOf(project, user);
  if (method === 'DELETE') {
    if (!user) throw unauthorized();
    if (level < accessLevel.developer) throw forbidden();
  }
  if (!isRefName(name) || /^(?:HEAD$|refs\/(?:heads|remotes)\/)/.test(name)) {
    throw errorOf(400, 'The branch refname is invalid');
  }
  const [branch, { defaultBranch }] = await Promise.all([
    readBranch(project, name, deadline),
    context.facts.of(project),
  ]);
  if (!branch) throw notFound('Branch');
  if (method === 'GET') {
    return sendJson(response, 200, branchBody(project, branch, defaultBranch, level, context.publicUrl));
  }
  if (name === defaultBranch) throw errorOf(400, 'The default branch of a project cannot be deleted.');
  if (rulesFor(project, name, defaultBranch).length > 0 && level < accessLevel.maintainer)
    throw errorOf(400, protectedBranch);
  const deleted = await deleteBranch(project, name, deadline);
  if (!deleted) throw errorOf(400, 'Failed to remove branch: it is checked out in a working tree');
  context.facts.forget(project);
  response.writeHead(204).end();
}

const protectedBranch =
  'You are not allowed to delete protected branches from this project. Only a project maintainer or owner can delete a protected branch.';

async function serveMergeBase(call: Call, project: ForgeProject, refs: readonly string[]): Promise<void> {
  if (refs.length < 2 || refs.length > 20) throw errorOf(400, 'Provide at least 2 refs');
  const commits = await findCommits(project, refs, call.deadline);
  const unknown = refs.filter((_ref, index) => !commits[index]);
  if (unknown.length > 0) {
    throw errorOf(400, `Could not find ${unknown.length === 1 ? 'ref' : 'refs'}: ${unknown.join(', ')}`);
  }
  const shas = commits.flatMap((commit) => (commit ? [commit.sha] : []));
  const base = await mergeBase(project, shas, call.deadline);
  const commit = base === undefined ? undefined : await findCommit(project, base, call.deadline);
  if (!commit) throw notFound('Merge Base');
  sendJson(call.response, 200, commitBody(project, commit, call.context.publicUrl));
}

async function serveCompare({ context, query, response, deadline }: Call, project: ForgeProject): Promise<void> {
  const missing = ['from', 'to'].filter((name) => !query.has(name));
  if (missing.length > 0) throw new HttpError(400, { error: missing.map((name) => `${name} is missing`).join(', ') });
  const [from, to] = await findCommits(project, [query.get('from') ?? '', query.get('to') ?? ''], deadline);
  if (!from || !to) throw notFound('Ref');
  const compared = await compareCommits(project, { from: from.sha, to: to.sha }, deadline);
  sendJson(response, 200, comparisonBody(project, compared, context.publicUrl));
}
