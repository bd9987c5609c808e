import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendText } from '../http/responses.ts';
import type { FactsCache } from './facts-cache.ts';
import { gitCaller, type Target } from './http.ts';
import type { HttpBackend, Service } from './http-backend.ts';
import { serveLfs } from './lfs.ts';
import { pushRules } from './push-rules.ts';
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

export interface GitHttpContext {
  readonly records: Records;
  readonly facts: FactsCache;
  readonly backend: HttpBackend;
  readonly publicUrl: string;
}

const realm = 'Basic realm="forge"';
const challenge = { 'WWW-Authenticate': realm, 'LFS-Authenticate': realm };

/**
 * Handles git's smart protocol and LFS at `/<namespace>/<project>.git/...`, as GitLab does. Returns false for any other
 * address. The project is looked up by name, so no part of the address is used as a file path.
 */
export async function serveGit(
  context: GitHttpContext,
  target: Target,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const operation = operationOf(target, request.method ?? 'GET');
  if (!operation) return false;
  await serveOperation(context, operation, request, response);
  return true;
}

async function serveOperation(
  context: GitHttpContext,
  operation: Operation,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const caller = gitCaller(request, context.records);
  if (caller === 'invalid') {
    return sendText(response, 401, 'HTTP Basic: Access denied. The token is unknown or has expired.', challenge);
  }
  const user = caller === 'anonymous' ? undefined : caller;
  const project = context.records.projectByPath(operation.project);
  const mayWrite = project !== undefined && levelOf(project, user) >= accessLevel.developer;
  if (!project || !canSee(project, user)) {
    // Without access, a private project looks like one that does not exist: both require a password.
    if (user) return sendText(response, 404, 'The project you were looking for could not be found.');
    return sendText(response, 401, 'HTTP Basic: Access denied', challenge);
  }
  if (!canReadCode(project, user)) {
    return sendText(response, 403, 'You are not allowed to download code from this project.');
  }
  switch (operation.kind) {
    case 'dumb':
      return sendText(response, 403, 'Only the smart protocol is supported: use git 1.6.6 or newer.');
    case 'lfs': {
      const url = `${context.publicUrl}/${pathWithNamespace(project)}.git/info/lfs`;
      return serveLfs({ project, url, path: operation.path, user, mayWrite, challenge }, request, response);
    }
    case 'smart':
      if (operation.service === 'git-receive-pack' && !mayWrite) {
        if (user) return sendText(response, 403, 'You are not allowed to push code to this project.');
        return sendText(response, 401, 'HTTP Basic: Access denied', challenge);
      }
      await context.backend.serve(
        { ...operation, project, username: user?.username, rules: await rulesOf(context, operation, project, user) },
        request,
        response,
      );
      if (operation.service === 'git-receive-pack') context.facts.forget(project);
  }
}

async function rulesOf(
  { facts }: GitHttpContext,
  { service, advertise }: Operation & { kind: 'smart' },
  project: ForgeProject,
  user: ForgeUser | undefined,
): Promise<Readonly<Record<string, string>>> {
  if (service !== 'git-receive-pack' || advertise) return {};
  const { defaultBranch } = await facts.of(project);
  return pushRules(project, levelOf(project, user), defaultBranch);
}

type Operation =
  | { kind: 'smart'; project: string; service: Service; advertise: boolean }
  | { kind: 'dumb'; project: string }
  | { kind: 'lfs'; project: string; path: readonly string[] };

function operationOf({ segments, query }: Target, method: string): Operation | undefined {
  const lfs = segments.findIndex((segment, index) => segment === 'info' && segments[index + 1] === 'lfs');
  if (lfs >= 2) return { kind: 'lfs', project: projectOf(segments.slice(0, lfs)), path: segments.slice(lfs + 2) };
  const last = segments.at(-1);
  if (method === 'POST' && segments.length >= 3 && isService(last)) {
    return { kind: 'smart', project: projectOf(segments.slice(0, -1)), service: last, advertise: false };
  }
  if (method === 'GET' && segments.length >= 4 && segments.at(-2) === 'info' && last === 'refs') {
    const project = projectOf(segments.slice(0, -2));
    const service = query.get('service') ?? undefined;
    return isService(service) ? { kind: 'smart', project, service, advertise: true } : { kind: 'dumb', project };
  }
  return undefined;
}

function projectOf(segments: readonly string[]): string {
  return segments.join('/').replace(/\.git$/, '');
}

function isService(text: string | undefined): text is Service {
  return text === 'git-upload-pack' || text === 'git-receive-pack';
}
