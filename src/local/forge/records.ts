import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { isObject, parseJson } from '../../lib/json.ts';
import { readKept, UnusableFile, writePrivate } from '../state-files.ts';
import { isNamespace, isPathSegment, projectKey } from './names.ts';

/** Access levels as GitLab numbers them. */
export const accessLevel = { none: 0, guest: 10, reporter: 20, developer: 30, maintainer: 40, owner: 50 } as const;

export interface ForgeUser {
  readonly id: number;
  readonly username: string;
  readonly name: string;
  readonly email: string;
}

/** A protected branch as in GitLab: git cannot delete the branch, and the rule limits pushes and force pushes. */
export interface ProtectedBranch {
  /** Name of one branch, or a pattern with `*`. */
  readonly name: string;
  /** Access level that a push needs: 30 or 40. With 0, no user may push. */
  readonly pushLevel: number;
  readonly allowForcePush: boolean;
}

export interface ForgeProject {
  readonly id: number;
  readonly namespace: string;
  readonly path: string;
  readonly name: string;
  readonly description: string;
  readonly visibility: 'public' | 'private';
  /** Absolute path of the git directory. */
  readonly gitDir: string;
  /** For a user's own repository: its working tree, or the bare repository itself. null for a repository of the forge. */
  readonly ownPath: string | null;
  /** Access level of all signed-in users. */
  readonly everyone: number;
  readonly members: readonly { readonly username: string; readonly accessLevel: number }[];
  readonly protectedBranches?: readonly ProtectedBranch[];
  /** ISO date. */
  readonly createdAt: string;
}

interface TokenRecord {
  /** SHA-256 of the token. The token has 32 random bytes, so a fast hash is safe. */
  readonly hash: string;
  readonly username: string;
  /** If present, the token reads this one project and has no user. */
  readonly readsProject?: number;
  /** ISO date; null if it does not expire. */
  readonly expiresAt: string | null;
}

interface Stored {
  version: 1;
  nextUserId: number;
  nextProjectId: number;
  users: ForgeUser[];
  projects: ForgeProject[];
  tokens: TokenRecord[];
}

export type NewProject = Omit<ForgeProject, 'id' | 'createdAt' | 'gitDir' | 'protectedBranches'>;

/** Users, projects and token hashes in one file (0600), which is replaced atomically. */
export class Records {
  readonly #file: string;
  readonly #stored: Stored;
  readonly #projectsByKey = new Map<string, ForgeProject>();
  readonly #projectsById = new Map<number, ForgeProject>();
  readonly #usersByName = new Map<string, ForgeUser>();
  readonly #tokens = new Map<string, TokenRecord>();

  private constructor(file: string, stored: Stored) {
    this.#file = file;
    this.#stored = stored;
    for (const user of stored.users) this.#usersByName.set(user.username, user);
    for (const project of stored.projects) this.#index(project);
    for (const token of stored.tokens) this.#tokens.set(token.hash, token);
  }

  /** Throws UnusableFile if the file exists but is damaged. */
  static open(file: string): Records {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    chmodSync(dirname(file), 0o700);
    return new Records(file, read(file));
  }

  /** Creates the user, or updates name and e-mail address. */
  ensureUser(user: { username: string; name: string; email: string }): ForgeUser {
    if (user.username === '') throw new Error('a user of the forge needs a user name');
    const known = this.#usersByName.get(user.username);
    if (known && known.name === user.name && known.email === user.email) return known;
    const { username, name, email } = user;
    const next: ForgeUser = { id: known?.id ?? this.#stored.nextUserId++, username, name, email };
    this.#stored.users = [...this.#stored.users.filter(({ id }) => id !== next.id), next];
    this.#usersByName.set(username, next);
    this.#save();
    return next;
  }

  userByName(username: string | undefined): ForgeUser | undefined {
    return username === undefined ? undefined : this.#usersByName.get(username);
  }

  /** Returns a new token of an existing user, and removes expired tokens. */
  issueToken(username: string, expiresAt: Date | undefined, now = new Date()): string {
    return this.#issue({ username, expiresAt: expiresAt?.toISOString() ?? null }, now);
  }

  #issue(token: Omit<TokenRecord, 'hash'>, now: Date): string {
    const secret = randomBytes(32).toString('hex');
    const record: TokenRecord = { hash: hashOf(secret), ...token };
    for (const old of this.#stored.tokens) if (hasExpired(old, now)) this.#tokens.delete(old.hash);
    this.#stored.tokens = [...this.#stored.tokens.filter((old) => !hasExpired(old, now)), record];
    this.#tokens.set(record.hash, record);
    this.#save();
    return secret;
  }

  /** Returns a new token that reads one project. */
  issueReadToken(project: ForgeProject, expiresAt: Date, now = new Date()): string {
    return this.#issue({ username: '', readsProject: project.id, expiresAt: expiresAt.toISOString() }, now);
  }

  /** Returns the token's user; `reader` for a token that reads a single project. */
  userOfToken(token: string, now = new Date()): ForgeUser | 'unknown' | 'expired' | 'reader' {
    const record = this.#tokens.get(hashOf(token));
    if (record && hasExpired(record, now)) return 'expired';
    if (record?.readsProject !== undefined) return 'reader';
    return (record && this.#usersByName.get(record.username)) ?? 'unknown';
  }

  /** Returns the project that the token reads; undefined for any other token. */
  projectOfReader(token: string): ForgeProject | undefined {
    const id = this.userOfToken(token) === 'reader' ? this.#tokens.get(hashOf(token))?.readsProject : undefined;
    return id === undefined ? undefined : this.#projectsById.get(id);
  }

  /** The number of the next project. The directory of a project is created before its record. */
  get nextProjectId(): number {
    return this.#stored.nextProjectId;
  }

  /** `id` is `nextProjectId`, read before the repository was created. Throws if another project has that number. */
  addProject(id: number, gitDir: string, project: NewProject, now = new Date()): ForgeProject {
    if (!isNamespace(project.namespace) || !isPathSegment(project.path)) {
      throw new Error(`${project.namespace}/${project.path} is not a project path`);
    }
    if (id < this.#stored.nextProjectId) throw new Error(`project number ${id} is taken`);
    if (this.projectByPath(`${project.namespace}/${project.path}`)) {
      throw new Error(`the project ${project.namespace}/${project.path} exists already`);
    }
    const record: ForgeProject = { ...project, id, gitDir, createdAt: now.toISOString() };
    this.#stored.nextProjectId = id + 1;
    this.#stored.projects.push(record);
    this.#index(record);
    this.#save();
    return record;
  }

  /** Replaces the list. */
  protectBranches(project: ForgeProject, rules: readonly ProtectedBranch[]): void {
    this.#replace({ ...project, protectedBranches: rules });
  }

  changeVisibility(project: ForgeProject, visibility: ForgeProject['visibility']): ForgeProject {
    const changed: ForgeProject = { ...project, visibility };
    this.#replace(changed);
    return changed;
  }

  projectByPath(pathWithNamespace: string): ForgeProject | undefined {
    return this.#projectsByKey.get(projectKey(pathWithNamespace));
  }

  projectById(id: number): ForgeProject | undefined {
    return this.#projectsById.get(id);
  }

  projects(): readonly ForgeProject[] {
    return this.#stored.projects;
  }

  #replace(project: ForgeProject): void {
    this.#stored.projects = this.#stored.projects.map((known) => (known.id === project.id ? project : known));
    this.#index(project);
    this.#save();
  }

  #index(project: ForgeProject): void {
    this.#projectsByKey.set(projectKey(`${project.namespace}/${project.path}`), project);
    this.#projectsById.set(project.id, project);
  }

  #save(): void {
    writePrivate(this.#file, `${JSON.stringify(this.#stored, null, 2)}\n`);
  }
}

/** Returns the user's access level on a project; 0 without access. */
export function levelOf(project: ForgeProject, user: ForgeUser | undefined): number {
  if (!user) return accessLevel.none;
  const member = project.members.find(({ username }) => username === user.username);
  return Math.max(project.everyone, member?.accessLevel ?? accessLevel.none);
}

export function canSee(project: ForgeProject, user: ForgeUser | undefined): boolean {
  return project.visibility === 'public' || levelOf(project, user) > accessLevel.none;
}

/** Guests of a private project see the project, but not its repository. */
export function canReadCode(project: ForgeProject, user: ForgeUser | undefined): boolean {
  return project.visibility === 'public' || levelOf(project, user) >= accessLevel.reporter;
}

export function pathWithNamespace(project: ForgeProject): string {
  return `${project.namespace}/${project.path}`;
}

function read(file: string): Stored {
  const text = readKept(file);
  if (text === undefined) return { version: 1, nextUserId: 1, nextProjectId: 1, users: [], projects: [], tokens: [] };
  const stored = parseJson(text);
  if (isStored(stored)) return { ...stored, projects: stored.projects.map(withRules) };
  const remedy = 'Restore it from a copy, or move it away. Then the projects are not served, but their files are kept.';
  throw new UnusableFile(file, 'is damaged: it should contain the projects and users of the forge', remedy);
}

function isStored(value: unknown): value is Stored {
  if (!isObject(value) || value['version'] !== 1) return false;
  return [value['users'], value['projects'], value['tokens']].every(
    (list) => Array.isArray(list) && list.every(isObject),
  );
}

/** Files of older versions have no protected branches, or only their names. */
function withRules(project: ForgeProject): ForgeProject {
  const rules: readonly (ProtectedBranch | string)[] = project.protectedBranches ?? [];
  return {
    ...project,
    protectedBranches: rules.map((rule) =>
      typeof rule === 'string' ? { name: rule, pushLevel: accessLevel.maintainer, allowForcePush: false } : rule,
    ),
  };
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function hasExpired(token: TokenRecord, now: Date): boolean {
  return token.expiresAt !== null && Date.parse(token.expiresAt) <= now.getTime();
}
