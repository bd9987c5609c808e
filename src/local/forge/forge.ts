import { access, chmod, mkdir, rename, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { Deadline, DeadlineExceeded } from '../../lib/deadline.ts';
import { serveApi } from './api.ts';
import { type CommitFile, commitFiles } from './commit-files.ts';
import { demoDescription, demoStream } from './demo.ts';
import { FactsCache } from './facts-cache.ts';
import { forgeEnvironment, git } from './git.ts';
import { serveGit } from './git-http.ts';
import { apiCaller, HttpError, notFound, parseTarget, sendJson, sendText, type Target } from './http.ts';
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
  /** Where users, projects and repositories are kept; made if need be, 0700. One forge at a time. */
  readonly directory: string;
  /** Where the world reaches `handler`, without a trailing slash: `http://127.0.0.1:8000/forge`. */
  readonly publicUrl: string;
  /** Owner of the repositories that `addExistingRepository` adds. */
  readonly localUser: UserProfile;
  readonly log: Logger;
  /** Milliseconds that one API call may take. 10 s unless told. */
  readonly apiDeadlineMs?: number;
  /** Milliseconds without a byte after which a git transfer is ended. 5 minutes unless told. */
  readonly transferIdleMs?: number;
}

export interface Forge {
  /** Serves API and git. The request's URL is relative to `publicUrl`: `/api/v4/...`, `/demo/first-light.git/...`. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
  /** A new token on every call; only its hash is kept. It never expires where no date is given. */
  issueToken(user: UserProfile, expiresAt?: Date): { token: string; expiresAt: Date | null };
  /** A new token that reads the public project of that address and nothing else; undefined for any other address. */
  issueReadToken(repositoryUrl: string, expiresAt: Date): string | undefined;
  /** The name of the user whose token this is; undefined for any other text, or one that is no longer valid. */
  userOf(token: string): string | undefined;
  /** The one project (`namespace/path`) that this token reads; undefined as above. */
  projectOfReader(token: string): string | undefined;
  ensureUser(user: UserProfile): ForgeUser;
  /** Whether the user (undefined: an anonymous caller) may read the project's repository; false where there is no such project. */
  mayReadCode(project: string, username: string | undefined): boolean;
  /** `commitFiles` of a project by its path; undefined where there is none. */
  commitFiles(
    project: string,
    commit: string,
    names: readonly string[],
    deadline: Deadline,
    maxBytes?: number,
  ): Promise<CommitFile[] | undefined>;
  /** An empty repository. Throws where the path is taken or not a project path. */
  createProject(project: {
    namespace: string;
    path: string;
    name?: string;
    description?: string;
    visibility?: 'public' | 'private';
    /** Access level of everybody who has signed in; none unless told. */
    everyone?: number;
    members?: { username: string; accessLevel: number }[];
  }): Promise<ForgeProject>;
  /** The demo project `demo/first-light`, made if it is not there yet. Everybody who has signed in may push to it. */
  ensureDemoProject(): Promise<ForgeProject>;
  /**
   * Serves a user's own repository, private to the local user unless told, until the forge's state is cleared: sessions
   * that come back after a restart still find it. Throws NotARepository with a sentence for the person who named it.
   */
  addExistingRepository(repository: { path: string; visibility?: 'public' | 'private' }): Promise<{
    project: ForgeProject;
    /** Files with changes that are in no commit and so in no session; undefined where git could not tell in time. */
    uncommittedFiles: number | undefined;
  }>;
  /** Ends all transfers. */
  close(): Promise<void>;
}

/** Throws where git or its HTTP part is missing, or the state cannot be read. */
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

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
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

  /** What a person sees who follows a project's link. */
  function describe(target: Target, request: IncomingMessage): string {
    if (target.segments.length === 0) return 'The forge of Notebook Sessions: git repositories on this machine.';
    const project = records.projectByPath(target.segments.join('/'));
    if (!project || !canSee(project, apiCaller(request, records))) throw notFound('Page');
    const path = pathWithNamespace(project);
    return [path, project.description, `git clone ${publicUrl}/${path}.git`].filter((line) => line !== '').join('\n\n');
  }

  async function addRepository(project: NewProject, content: Buffer | undefined): Promise<ForgeProject> {
    const id = records.nextProjectId;
    const gitDir = join(repositories, `${id}.git`);
    const unfinished = `${gitDir}.new`;
    // Neither is in the records yet: left over from a start that was interrupted.
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

  // One project at a time: each takes the next number.
  let last: Promise<unknown> = Promise.resolve();
  function oneAtATime<T>(action: () => Promise<T>): Promise<T> {
    const result = last.then(action, action);
    last = result.catch(() => undefined);
    return result;
  }

  return {
    handler: (request, response) => {
      answer(request, response).catch((error: unknown) => sendFailure(error, request, response, log));
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
      oneAtATime(() =>
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
      oneAtATime(async () => {
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
      oneAtATime(async () => {
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

/** `notebooks`, `notebooks-2`, ...: two directories may have the same name. */
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
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
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
    log.debug({ err: error }, 'an answer of the forge was cut short');
    response.destroy();
    return;
  }
  if (error instanceof HttpError) {
    sendJson(response, error.status, error.body);
    return;
  }
  log.error({ err: error, method: request.method }, 'the forge could not answer');
  if (error instanceof DeadlineExceeded) sendJson(response, 503, { message: '503 Service Unavailable' });
  else sendJson(response, 500, { message: '500 Internal Server Error' });
}
