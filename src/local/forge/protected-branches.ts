import { errorOf, forbidden, notFound, paginate } from './http.ts';
import { accessLevel, type ForgeProject, type ProtectedBranch, type Records } from './records.ts';

export interface ProtectedBranchesCall {
  readonly records: Records;
  readonly project: ForgeProject;
  /** The caller's access level on the project. */
  readonly level: number;
  readonly method: string;
  /** From the query and the body. */
  readonly parameters: URLSearchParams;
  /** Public address of the list, without its query. */
  readonly url: string;
}

export interface ProtectedBranchesResponse {
  readonly status: number;
  /** undefined if there is no body. */
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

/** The limit is necessary because git gets all names in its environment, which has a limited size. */
const maxNameLength = 255;
const maxProtected = 200;
const pushLevels: readonly number[] = [accessLevel.none, accessLevel.developer, accessLevel.maintainer];

/**
 * Returns the rules of a project. If there is no rule for the default branch, it is protected as in a new project of GitLab:
 * developers may push to it, and no user may force-push.
 */
export function allRules(project: ForgeProject, defaultBranch: string | null): readonly ProtectedBranch[] {
  const rules = project.protectedBranches ?? [];
  if (defaultBranch === null || rules.some(({ name }) => matches(name, defaultBranch))) return rules;
  return [...rules, { name: defaultBranch, pushLevel: accessLevel.developer, allowForcePush: false }];
}

/** Returns the rules for a branch; none if it is not protected. As in GitLab, the most permissive rule applies. */
export function rulesFor(
  project: ForgeProject,
  branch: string,
  defaultBranch: string | null,
): readonly ProtectedBranch[] {
  return allRules(project, defaultBranch).filter(({ name }) => matches(name, branch));
}

export function mayPush({ pushLevel }: ProtectedBranch, level: number): boolean {
  return pushLevel !== accessLevel.none && level >= pushLevel;
}

/** `*` matches any text, slashes included. The search goes from left to right once, so that no pattern takes long. */
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
 * Handles GitLab's `/projects/:id/protected_branches`: list, show, protect (name, push_access_level 0, 30 or 40,
 * allow_force_push), change allow_force_push, and unprotect. Merge and unprotect levels are ignored, because there are no
 * merge requests. Throws HttpError.
 */
export function protectedBranches(call: ProtectedBranchesCall, name: string | undefined): ProtectedBranchesResponse {
  if (call.level < accessLevel.maintainer) throw forbidden();
  return name === undefined ? list(call) : one(call, name);
}

function list({ records, project, method, parameters, url }: ProtectedBranchesCall): ProtectedBranchesResponse {
  const rules = project.protectedBranches ?? [];
  if (method === 'GET') {
    const page = paginate(rules.map(shown), parameters, url);
    return { status: 200, body: page.items, headers: page.headers };
  }
  if (method !== 'POST') throw errorOf(405, '405 Method Not Allowed');
  const name = parameters.get('name');
  if (!name) throw errorOf(400, 'name is missing');
  if (name.length > maxNameLength || /\p{Cc}/u.test(name)) throw errorOf(400, 'name is invalid');
  if (rules.some((rule) => rule.name === name)) throw errorOf(409, `Protected branch '${name}' already exists`);
  if (rules.length >= maxProtected) throw errorOf(400, `A project has at most ${maxProtected} protected branches`);
  const pushLevel = Number(parameters.get('push_access_level') ?? accessLevel.maintainer);
  if (!pushLevels.includes(pushLevel)) throw errorOf(400, 'push_access_level does not have a valid value');
  const rule = { name, pushLevel, allowForcePush: forcePushIn(parameters) ?? false };
  records.protectBranches(project, [...rules, rule]);
  return { status: 201, body: shown(rule) };
}

function one({ records, project, method, parameters }: ProtectedBranchesCall, name: string): ProtectedBranchesResponse {
  const rules = project.protectedBranches ?? [];
  const rule = rules.find((known) => known.name === name);
  if (!rule) throw notFound('ProtectedBranch');
  if (method === 'GET') return { status: 200, body: shown(rule) };
  if (method === 'PATCH') {
    const changed = { ...rule, allowForcePush: forcePushIn(parameters) ?? rule.allowForcePush };
    records.protectBranches(
      project,
      rules.map((known) => (known === rule ? changed : known)),
    );
    return { status: 200, body: shown(changed) };
  }
  if (method !== 'DELETE') throw errorOf(405, '405 Method Not Allowed');
  records.protectBranches(
    project,
    rules.filter((other) => other !== rule),
  );
  return { status: 204 };
}

function forcePushIn(parameters: URLSearchParams): boolean | undefined {
  const value = parameters.get('allow_force_push');
  if (value === null || value === '') return undefined;
  if (!/^(?:true|false|1|0)$/.test(value)) throw errorOf(400, 'allow_force_push is invalid');
  return value === 'true' || value === '1';
}

const descriptions: Record<number, string> = { 0: 'No one', 30: 'Developers + Maintainers', 40: 'Maintainers' };

function shown({ name, pushLevel, allowForcePush }: ProtectedBranch) {
  const level = (number: number) => [{ access_level: number, access_level_description: descriptions[number] }];
  return {
    name,
    push_access_levels: level(pushLevel),
    merge_access_levels: level(accessLevel.maintainer),
    allow_force_push: allowForcePush,
  };
}
