// @ts-check
/**
 * Calls of the public API. Every failure is an `ApiError` with a message for the user.
 *
 * @typedef {{ step: string, status: 'ready' | 'waiting' | 'executing' | 'failed' }} Step
 * @typedef {{ message: string, critical?: boolean }} Warning
 * @typedef {{ cpu?: number, memory?: string, storage?: string, gpu?: number }} Amounts
 * @typedef {object} Session
 * @property {string} name
 * @property {string} image
 * @property {string} started
 * @property {string} url
 * @property {Record<string, string>} annotations
 * @property {{ requests: Amounts, usage?: Amounts }} resources
 * @property {SessionLaunch} [launch]
 * @property {{ endpoint: string, bucket: string }[]} [cloudstorage]
 * @property {object} status
 * @property {'running' | 'starting' | 'stopping' | 'failed' | 'hibernated'} status.state
 * @property {string | null} [status.message]
 * @property {Step[]} status.details
 * @property {Warning[]} [status.warnings]
 * @property {boolean} [status.restartable]
 * @property {import('./work-api.js').Saving} [status.saving]
 * @typedef {object} Project
 * @property {number} id
 * @property {string} path
 * @property {string} name
 * @property {string | null} description
 * @property {string | null} default_branch
 * @property {'public' | 'internal' | 'private'} visibility
 * @typedef {object} LaunchOptions
 * @property {string} [image]
 * @property {number} [resource_class_id]
 * @property {number} [storage]
 * @property {boolean} [lfs_auto_fetch]
 * @property {string} [default_url]
 * @typedef {LaunchOptions & { environment_variables?: string[] }} SessionLaunch Only the names of the variables.
 * @typedef {{ namespace: string, project: string, branch: string, commit_sha: string }} LaunchTarget
 * @typedef {LaunchTarget & LaunchOptions & { environment_variables?: Record<string, string> }} LaunchRequest
 * @typedef {{ name: string, commit_sha: string, committed_at: string | null }} Branch
 * @typedef {{ commit_sha: string, title: string, author_name: string | null, committed_at: string | null }} Commit
 * @typedef {object} ResourceClass
 * @property {number} id
 * @property {string} name
 * @property {string} pool
 * @property {boolean} default
 * @property {number} cpu
 * @property {number} memory
 * @property {number} gpu
 * @property {number} default_storage
 * @property {number} max_storage
 * @typedef {object} ServerOptions
 * @property {{ default: string, options: string[], displayName: string }} [defaultUrl]
 * @property {{ default: boolean }} [lfs_auto_fetch]
 */

import { eventsOf } from './event-stream.js';

/** The URL of the service's prefix, with a slash at its end. */
export const root = new URL(document.body.dataset.root ?? './', location.href);

/** Longer than the service's deadline, so that the service's error response, with the cause, arrives first. */
const timeoutMs = Number(document.body.dataset.deadlineMs ?? 10_000) + 10_000;
/** Time without data after which a connection counts as dead. The service sends a comment every 15 s. */
const silenceMs = 45_000;

export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {object} [more]
   * @param {number} [more.status] HTTP status; 0 if there was no response.
   * @param {string | null} [more.detail] What the user can do.
   * @param {string | null} [more.requestId]
   * @param {{ path: string, message: string }[]} [more.fields]
   * @param {number | null} [more.retryAfterSeconds]
   */
  constructor(message, more = {}) {
    super(message);
    this.status = more.status ?? 0;
    this.detail = more.detail ?? null;
    this.requestId = more.requestId ?? null;
    this.fields = more.fields ?? [];
    this.retryAfterSeconds = more.retryAfterSeconds ?? null;
  }
}

/**
 * @param {string} method
 * @param {string} path Relative to the prefix.
 * @param {{ body?: unknown, query?: Record<string, string> }} [options]
 * @returns {Promise<any>} The parsed body; undefined for 204.
 */
export const request = async (method, path, options) => (await exchange(method, path, options)).body;

/**
 * @param {string} method
 * @param {string} path
 * @param {{ body?: unknown, query?: Record<string, string> }} [options]
 * @returns {Promise<{ status: number, body: any }>}
 */
async function exchange(method, path, { body, query } = {}) {
  const url = new URL(path, root);
  if (query) url.search = new URLSearchParams(query).toString();
  /** @type {RequestInit} */
  const init = {
    method,
    credentials: 'same-origin',
    cache: 'no-store',
    headers: { Accept: 'application/json', ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
    signal: AbortSignal.timeout(timeoutMs),
  };
  if (body !== undefined) init.body = JSON.stringify(body);

  let response;
  let text;
  try {
    response = await fetch(url, init);
    text = await response.text();
  } catch (error) {
    throw connectionError(error);
  }
  if (response.status === 204) return { status: 204, body: undefined };
  const parsed = parse(text);
  if (response.ok && parsed !== undefined) return { status: response.status, body: parsed };
  throw errorOfResponse(response, parsed);
}

/** @param {unknown} error Error of fetch. */
function connectionError(error) {
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return new ApiError('The service did not respond in time.', { detail: 'It may be busy. Wait a moment.' });
  }
  return new ApiError('The service cannot be reached.', {
    detail: 'Check that it is running and that this computer is online.',
  });
}

/** @param {Response} response @param {any} body */
function errorOfResponse(response, body) {
  const error = body?.error;
  const retryAfter = Number(response.headers.get('Retry-After') ?? Number.NaN);
  const common = {
    status: response.status,
    requestId: error?.requestId ?? response.headers.get('X-Request-Id'),
    retryAfterSeconds: Number.isFinite(retryAfter) ? retryAfter : null,
  };
  if (typeof error?.message === 'string') {
    return new ApiError(error.message, { ...common, detail: error.detail ?? null, fields: error.fields ?? [] });
  }
  return new ApiError(`The service sent an unexpected response (HTTP ${response.status}).`, {
    ...common,
    detail: 'You may have been signed out. Reload the page.',
  });
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** @param {string} name */
export const serverPath = (name) => `servers/${encodeURIComponent(name)}`;

/** @returns {Promise<Session[]>} */
export async function listSessions() {
  const { servers } = await request('GET', 'servers');
  return Object.values(servers);
}

/** @param {string} name @returns {Promise<Session>} */
export const getSession = (name) => request('GET', serverPath(name));

/**
 * Launches a session. If the session already exists, returns the existing session, whose options do not change.
 * @param {LaunchRequest} launch
 * @returns {Promise<{ session: Session, isNew: boolean }>}
 */
export async function launchSession(launch) {
  const { status, body } = await exchange('POST', 'servers', { body: launch });
  return { session: body, isNew: status === 201 };
}

/** Replaces the pod of a failed session and keeps its files. @param {string} name @returns {Promise<Session>} */
export const restartSession = (name) => request('POST', `${serverPath(name)}/restart`);

/**
 * Stops a session. @param {string} name @param {{ save?: boolean }} [options] `save`: false deletes the session without a save;
 * true tries to save also after a save that has failed.
 */
export const stopSession = (name, { save } = {}) =>
  request('DELETE', serverPath(name), save === undefined ? {} : { query: { save: String(save) } });

/**
 * Hibernates or resumes a session, or changes its resource class.
 * @param {string} name
 * @param {{ state?: 'running' | 'hibernated', resource_class_id?: number, force?: boolean }} change
 * @returns {Promise<Session>}
 */
export const changeSession = (name, change) => request('PATCH', serverPath(name), { body: change });

/** Returns the last lines of the log of each container, by container name. @param {string} name @returns {Promise<Record<string, string>>} */
export const readLogs = (name) => request('GET', `logs/${encodeURIComponent(name)}`, { query: { max_lines: '200' } });

/**
 * Yields server-sent events until the service ends the stream or `signal` aborts. Throws ApiError for an error response and for
 * a broken connection.
 * @param {string} path
 * @param {Record<string, string>} query
 * @param {string} lastId Id of the last event of an earlier stream, to resume after that event; '' to begin a new stream.
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<import('./event-stream.js').StreamEvent>} The first event is `open`.
 */
export async function* stream(path, query, lastId, signal) {
  const url = new URL(path, root);
  url.search = new URLSearchParams(query).toString();
  const silence = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const restartTimer = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(new DOMException('silence', 'TimeoutError')), silenceMs);
  };
  restartTimer();
  try {
    const response = await fetch(url, {
      credentials: 'same-origin',
      cache: 'no-store',
      headers: { Accept: 'text/event-stream', ...(lastId ? { 'Last-Event-ID': lastId } : {}) },
      signal: AbortSignal.any([signal, silence.signal]),
    });
    const isStream = response.headers.get('Content-Type')?.startsWith('text/event-stream') === true;
    if (!response.ok || !isStream || !response.body) throw errorOfResponse(response, parse(await response.text()));
    yield { event: 'open', id: '', data: null };
    yield* eventsOf(response.body, restartTimer);
  } catch (error) {
    throw error instanceof ApiError ? error : connectionError(error);
  } finally {
    clearTimeout(timer);
  }
}

/** Follows the logs of a session. @param {string} name @param {string} lastId @param {AbortSignal} signal */
export const followLogs = (name, lastId, signal) =>
  stream(`logs/${encodeURIComponent(name)}`, { follow: 'true', max_lines: '500' }, lastId, signal);

/** Follows the states of all sessions. @param {string} lastId @param {AbortSignal} signal */
export const followSessions = (lastId, signal) => stream('servers', { watch: 'true' }, lastId, signal);

/** Follows the states of a session. @param {string} name @param {string} lastId @param {AbortSignal} signal */
export const followSession = (name, lastId, signal) => stream(`${serverPath(name)}/events`, {}, lastId, signal);

/** @param {string} search @param {number} page @returns {Promise<Project[]>} At most 50. */
export async function listProjects(search, page) {
  const { projects } = await request('GET', 'projects', {
    query: { page: String(page), ...(search ? { search } : {}) },
  });
  return projects;
}

/** @param {string} path */
export const projectPath = (path) => `projects/${encodeURIComponent(path)}`;

/** @param {string} path @param {string} search @returns {Promise<{ branches: Branch[], next_page: number | null }>} At most 100. */
export const listBranches = (path, search) =>
  request('GET', `${projectPath(path)}/branches`, { query: search ? { search } : {} });

/**
 * @param {string} path
 * @param {string} ref
 * @param {number} [page]
 * @returns {Promise<{ commits: Commit[], next_page: number | null }>} At most 20, newest first.
 */
export const listCommits = (path, ref, page = 1) =>
  request('GET', `${projectPath(path)}/commits`, { query: { ref, page: String(page) } });

/** @returns {Promise<ResourceClass[]>} */
export async function listResourceClasses() {
  const { resource_classes: classes } = await request('GET', 'resource_classes');
  return classes;
}

/** @returns {Promise<ServerOptions>} */
export const getServerOptions = () => request('GET', 'server_options');

/** Returns the target of the launch that created a session. @param {Session} session @returns {LaunchTarget} */
export function targetOf({ annotations }) {
  return {
    namespace: annotations['renku.io/namespace'] ?? '',
    project: annotations['renku.io/projectName'] ?? '',
    branch: annotations['renku.io/branch'] ?? '',
    commit_sha: annotations['renku.io/commit-sha'] ?? '',
  };
}

/**
 * Returns the launch request that creates the same session again.
 * @param {Session} session
 * @param {Record<string, string>} variables Values of its environment variables, of which the API returns only the names.
 * @returns {LaunchRequest}
 */
export function launchOf(session, variables) {
  const { environment_variables: _names, ...options } = session.launch ?? {};
  return { ...targetOf(session), ...options, environment_variables: variables };
}

/**
 * Returns the URL of the launch page of a project.
 * @param {{ namespace: string, project: string }} project
 * @param {Record<string, string>} query
 */
export function launchLink({ namespace, project }, query) {
  const path = [...namespace.split('/'), project].map(encodeURIComponent).join('/');
  const url = new URL(`launch/${path}`, root);
  url.search = new URLSearchParams(query).toString();
  return url;
}

/** Returns the URL of the page with the autosaves of a project. @param {string} path "group/project" */
export const autosavesLink = (path) => new URL(`${projectPath(path)}/autosaves`, root);

/** Whether the user is signed in. */
export const isSignedIn = () => document.getElementById('account')?.dataset['kind'] === 'registered';

/**
 * Returns why a session failed, or null. The message of a starting session is a failure only if a step has failed and is
 * being retried.
 * @param {Session} session
 */
export function failureOf({ status }) {
  if (status.state === 'failed')
    return status.message || 'The session failed for an unknown reason. Its logs may have the reason.';
  const isRetrying = status.state === 'starting' && (status.details ?? []).some((step) => step.status === 'failed');
  return isRetrying ? (status.message ?? null) : null;
}

/** Returns the session's URL, or null if it is not an http or https URL. @param {Session} session */
export function addressOf({ url }) {
  if (!URL.canParse(url)) return null;
  return ['http:', 'https:'].includes(new URL(url).protocol) ? url : null;
}
