import { access, chmod, mkdir, rename, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { Deadline, DeadlineExceeded } from '../../lib/deadline.ts';
import { hasCode } from '../../lib/error-code.ts';
import { sendJson, sendText } from '../http/responses.ts';
import { serveApi } from './api.ts';
import { type CommitFile, commitFiles } from './commit-files.ts';
import { demoDescription, demoStream } from './demo.ts';
import { FactsCache } from './facts-cache.ts';
import { forgeEnvironment, git } from './git.ts';
import { serveGit } from './git-http.ts';
import { apiCaller, HttpError, notFound, parseTarget, type Target } from './http.ts';
import { HttpBackend } from './http-backend.ts';
import { toPathSegment } from './names.ts';
import { inspectRepository } from './own-repository.ts';
import { installHooks } from './push-rules.ts';
import {
  accessLevel,
  canReadCode,
  canSee,
  type ForgeProject,
  type ForgeUser,
  type NewProject,
  pathWithNamespace,
  Records,
} from './records.ts';

export interface UserProfile {
  readonly username: string;
  readonly name: string;
  readonly email: string;
}

export interface ForgeOptions {
  /** Folder for users, projects and repositories, for one forge at a time. Created with mode 0700 if it does not exist. */
  readonly directory: string;
  /** Public address of `handler`, without a trailing slash: `http://127.0.0.1:8000/forge`. */
  readonly publicUrl: string;
  /** Owner of the repositories that `addExistingRepository` adds. */
  readonly localUser: UserProfile;
  readonly log: Logger;
  /** Milliseconds that one API call may take. 10 s by default. */
  readonly apiDeadlineMs?: number;
  /** Milliseconds without a byte after which a git transfer is aborted. 5 minutes by default. */
  readonly transferIdleMs?: number;
}

export interface Forge {
  /** Handles API and git. The request's URL is relative to `publicUrl`: `/api/v4/...`, `/demo/first-light.git/...`. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
  /** Returns a new token, of which only the hash is stored. Without a date, the token does not expire. */
  issueToken(user: UserProfile, expiresAt?: Date): { token: string; expiresAt: Date | null };
  /** Returns a new token that can read only the public project at that URL; undefined for any other URL. */
  issueReadToken(repositoryUrl: string, expiresAt: Date): string | undefined;
  /** Returns the name of the token's user; undefined for an invalid or expired token. */
  userOf(token: string): string | undefined;
  /** Returns the one project (`namespace/path`) that the token reads; undefined for any other token. */
  projectOfReader(token: string): string | undefined;
  ensureUser(user: UserProfile): ForgeUser;
  /** Returns true if the user (undefined: an anonymous one) may read the project's repository; false if there is none. */
  mayReadCode(project: string, username: string | undefined): boolean;
  /** Returns `commitFiles` of a project, given its path; undefined if there is no such project. */
  commitFiles(
    project: string,
    commit: string,
    names: readonly string[],
    deadline: Deadline,
    maxBytes?: number,
  ): Promise<CommitFile[] | undefined>;
  /** Creates a project with an empty repository. Throws if the path is not valid or another project has it. */
  createProject(project: {
    namespace: string;
    path: string;
    name?: string;
    description?: string;
    visibility?: 'public' | 'private';
    /** Access level of all signed-in users; none by default. */
    everyone?: number;
    members?: { username: string; accessLevel: number }[];
  }): Promise<ForgeProject>;
  /** Creates the demo project `demo/first-light` if it does not exist. All signed-in users may push to the project. */
  ensureDemoProject(): Promise<ForgeProject>;
  /**
   * Adds a repository of the user, by default private to the local user. The repository is served until the forge's state is
   * cleared, so that sessions find it after a restart. Throws UserError for a repository that cannot be served.
   */
  addExistingRepository(repository: { path: string; visibility?: 'public' | 'private' }): Promise<{
    project: ForgeProject;
    /** Number of files with uncommitted changes, which sessions do not get; undefined if git takes too long. */
    uncommittedFiles: number | undefined;
  }>;
  /** Aborts all transfers. */
  close(): Promise<void>;
}

/** Opens the forge. Throws if git or its HTTP backend is missing, or the state cannot be read. */
export async function createForge(options: ForgeOptions): Promise<Forge> {
  const { directory, log } = options;
  const publicUrl = options.publicUrl.replace(/\/+$/, '');
  const repositories = join(directory, 'repositories');
  await mkdir(repositories, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const records = Records.open(join(directory, 'forge.json'));
  const facts = new FactsCache(log);
  const program = await httpBackendProgram();
  const hooks = await installHooks(directory);
  const backend = new HttpBackend({ program, hooks, log, idleMs: options.transferIdleMs ?? 300_000 });
  const api = { records, facts, publicUrl };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = parseTarget(request.url ?? '/');
    const [first, second] = target.segments;
    if (first === 'api' && second === 'v4') {
      const gone = new AbortController();
      response.on('close', () => gone.abort());
      const deadline = Deadline.after(options.apiDeadlineMs ?? 10_000, gone.signal);
      return serveApi(api, { ...target, segments: target.segments.slice(2) }, request, response, deadline);
    }
    if (await serveGit({ records, facts, backend, publicUrl }, target, request, response)) return;
    if (request.method !== 'GET' && request.method !== 'HEAD') throw notFound('Page');
    sendText(response, 200, describe(target, request));
  }

  /** Returns the text at a project's address, for a browser. */
  function describe(target: Target, request: IncomingMessage): string {
    if (target.segments.length === 0) return 'The git server of Notebook Sessions on this machine.';
    const project = records.projectByPath(target.segments.join('/'));
    if (!project || !canSee(project, apiCaller(request, records))) throw notFound('Page');
    const path = pathWithNamespace(project);
    return [path, project.description, `git clone ${publicUrl}/${path}.git`].filter((line) => line !== '').join('\n\n');
  }

  async function addRepository(project: NewProject, content: Buffer | undefined): Promise<ForgeProject> {
    const id = records.nextProjectId;
    const gitDir = join(repositories, `${id}.git`);
    const unfinished = `${gitDir}.new`;
    // An interrupted start may have left these folders.
    await Promise.all([gitDir, unfinished].map((path) => rm(path, { recursive: true, force: true })));
    const environment = forgeEnvironment();
    const deadline = Deadline.after(60_000);
    await git(['init', '--bare', '--quiet', '--template=', '--initial-branch=main', '--', unfinished], {
      environment,
      deadline,
    });
    if (content) {
      await git([`--git-dir=${unfinished}`, 'fast-import', '--quiet'], { environment, deadline, input: content });
    }
    await rename(unfinished, gitDir);
    return records.addProject(id, gitDir, project);
  }

  // Projects are created one after another, because each takes the next number.
  let last: Promise<unknown> = Promise.resolve();
  function serially<T>(action: () => Promise<T>): Promise<T> {
    const result = last.then(action, action);
    last = result.catch(() => undefined);
    return result;
  }

  return {
    handler: (request, response) => {
      handle(request, response).catch((error: unknown) => sendFailure(error, request, response, log));
    },
    issueToken(user, expiresAt) {
      records.ensureUser(user);
      return { token: records.issueToken(user.username, expiresAt), expiresAt: expiresAt ?? null };
    },
    issueReadToken(repositoryUrl, expiresAt) {
      const [, path = ''] = repositoryUrl.split(`${publicUrl}/`);
      const project = records.projectByPath(path.replace(/\.git$/, ''));
      return project && canReadCode(project, undefined) ? records.issueReadToken(project, expiresAt) : undefined;
    },
    userOf: (token) => {
      const user = records.userOfToken(token);
      return typeof user === 'string' ? undefined : user.username;
    },
    projectOfReader: (token) => {
      const project = records.projectOfReader(token);
      return project && pathWithNamespace(project);
    },
    ensureUser: (user) => records.ensureUser(user),
    mayReadCode(path, username) {
      const project = records.projectByPath(path);
      return project !== undefined && canReadCode(project, records.userByName(username));
    },
    async commitFiles(path, commit, names, deadline, maxBytes) {
      const project = records.projectByPath(path);
      return project && (await commitFiles(project, commit, names, deadline, maxBytes));
    },
    createProject: (project) =>
      serially(() =>
        addRepository(
          {
            name: project.path,
            description: '',
            visibility: 'private',
            everyone: accessLevel.none,
            members: [],
            ...project,
            ownPath: null,
          },
          undefined,
        ),
      ),
    ensureDemoProject: () =>
      serially(async () => {
        const path = { namespace: 'demo', path: 'first-light' };
        const known = records.projectByPath(`${path.namespace}/${path.path}`);
        if (known) return known;
        return addRepository(
          {
            ...path,
            name: path.path,
            description: demoDescription,
            visibility: 'public',
            everyone: accessLevel.maintainer,
            members: [],
            ownPath: null,
          },
          await demoStream(),
        );
      }),
    addExistingRepository: ({ path, visibility = 'private' }) =>
      serially(async () => {
        const { uncommittedFiles, ...own } = await inspectRepository(path);
        const known = records.projects().find(({ ownPath }) => ownPath === own.path);
        if (known) {
          const project = known.visibility === visibility ? known : records.changeVisibility(known, visibility);
          return { project, uncommittedFiles };
        }
        const owner = records.ensureUser(options.localUser);
        const namespace = toPathSegment(owner.username, 'local');
        const project = records.addProject(records.nextProjectId, own.gitDir, {
          namespace,
          path: freePath(records, namespace, toPathSegment(own.name, 'project')),
          name: own.name,
          description: '',
          visibility,
          everyone: accessLevel.none,
          members: [{ username: owner.username, accessLevel: accessLevel.owner }],
          ownPath: own.path,
        });
        return { project, uncommittedFiles };
      }),
    close: () => backend.close(),
  };
}

/** Returns `wanted`, or with a number (`notebooks-2`) if another project has that path. */
function freePath(records: Records, namespace: string, wanted: string): string {
  for (let number = 1; ; number++) {
    const path = number === 1 ? wanted : `${wanted}-${number}`;
    if (!records.projectByPath(`${namespace}/${path}`)) return path;
  }
}

async function httpBackendProgram(): Promise<string> {
  let directory: string;
  try {
    const { stdout } = await git(['--exec-path'], {
      environment: forgeEnvironment(),
      deadline: Deadline.after(10_000),
    });
    directory = stdout.toString('utf8').trim();
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    throw new Error(
      'git is not installed: install it (Debian, Ubuntu: apt install git; macOS: xcode-select --install)',
    );
  }
  const program = join(directory, 'git-http-backend');
  try {
    await access(program);
  } catch (error) {
    throw new Error(
      `this git cannot serve repositories over HTTP: ${program} is missing; install the full git package`,
      {
        cause: error,
      },
    );
  }
  return program;
}

function sendFailure(error: unknown, request: IncomingMessage, response: ServerResponse, log: Logger): void {
  if (response.headersSent || response.destroyed) {
    log.debug({ err: error }, 'the connection closed before the end of a response');
    response.destroy();
    return;
  }
  if (error instanceof HttpError) {
    sendJson(response, error.status, error.body);
    return;
  }
  log.error({ err: error, method: request.method }, 'a request to the forge failed');
  if (error instanceof DeadlineExceeded) sendJson(response, 503, { message: '503 Service Unavailable' });
  else sendJson(response, 500, { message: '500 Internal Server Error' });
}
