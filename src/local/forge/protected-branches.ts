import { forbidden, notFound, paginate, refused } from './http.ts';
import { accessLevel, type ForgeProject, type Records } from './records.ts';

export interface ProtectedBranchesCall {
  readonly records: Records;
  readonly project: ForgeProject;
  /** The caller's access level on the project. */
  readonly level: number;
  readonly method: string;
  readonly query: URLSearchParams;
  /** The list's public address, without its query. */
  readonly url: string;
}

export interface ProtectedBranchesAnswer {
  readonly status: number;
  /** undefined: there is none. */
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

/** Whether only maintainers may delete the branch. The default branch, which nobody may delete, is not meant. */
export function protects(project: ForgeProject, branch: string): boolean {
  return (project.protectedBranches ?? []).some((pattern) => matches(pattern, branch));
}

/** `*` stands for any text, slashes included. Text is looked for from the left, so that no pattern takes long. */
function matches(pattern: string, branch: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return branch === pattern;
  if (!branch.startsWith(first)) return false;
  let position = first.length;
  for (const text of rest) {
    const found = branch.indexOf(text, position);
    if (found === -1) return false;
    position = found + text.length;
  }
  return branch.length >= position + last.length && branch.endsWith(last);
}

/**
 * GitLab's `/projects/:id/protected_branches`: list, show, protect (the name as a query parameter) and unprotect. What is
 * kept from developers here is the deletion through the API; git itself refuses nobody who may push.
 */
export function protectedBranches(call: ProtectedBranchesCall, name: string | undefined): ProtectedBranchesAnswer {
  if (call.level < accessLevel.maintainer) throw forbidden();
  return name === undefined ? list(call) : one(call, name);
}

function list({ records, project, method, query, url }: ProtectedBranchesCall): ProtectedBranchesAnswer {
  const names = project.protectedBranches ?? [];
  if (method === 'GET') {
    const page = paginate(names.map(shown), query, url);
    return { status: 200, body: page.items, headers: page.headers };
  }
  if (method !== 'POST') throw refused(405, '405 Method Not Allowed');
  const name = query.get('name');
  if (!name) throw refused(400, 'name is missing');
  if (names.includes(name)) throw refused(409, `Protected branch '${name}' already exists`);
  records.protectBranches(project, [...names, name]);
  return { status: 201, body: shown(name) };
}

function one({ records, project, method }: ProtectedBranchesCall, name: string): ProtectedBranchesAnswer {
  const names = project.protectedBranches ?? [];
  if (!names.includes(name)) throw notFound('ProtectedBranch');
  if (method === 'GET') return { status: 200, body: shown(name) };
  if (method !== 'DELETE') throw refused(405, '405 Method Not Allowed');
  const others = names.filter((other) => other !== name);
  records.protectBranches(project, others);
  return { status: 204 };
}

function shown(name: string) {
  const maintainers = [{ access_level: accessLevel.maintainer, access_level_description: 'Maintainers' }];
  return { name, push_access_levels: maintainers, merge_access_levels: maintainers };
}
