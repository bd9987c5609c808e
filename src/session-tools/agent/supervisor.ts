import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { hasCode } from '../../lib/error-code.ts';
import { asObject, parseJson } from '../../lib/json.ts';
import { withSocketPath } from '../../lib/unix-socket.ts';
import { type SupervisorAbsence, supervisorAbsence, supervisorFile } from '../../session-contract/supervisor.ts';
import { SaveFailure } from '../saves/failure.ts';

/** Milliseconds for a request: a Jupyter server may need two minutes until it responds. */
const limitMs = 150_000;
/** The manifest of a snapshot is the longest part of a response. */
const maxBytes = 4 * 1024 * 1024;

export interface SupervisorReply {
  readonly status: number;
  readonly body: object;
}

/**
 * Sends a request to the supervisor, and returns its response. Throws SaveFailure with the reason of the supervisor, `unavailable` if
 * the session has none, and `no-response` without a valid response.
 */
export type Supervisor = (method: string, path: string, body: Buffer, stop: AbortSignal) => Promise<SupervisorReply>;

/** The Unix socket of the supervisor, or why the session has none; undefined if that is unknown. */
export type SupervisorAccess = { readonly socketPath: string } | { readonly absence: SupervisorAbsence | undefined };

/**
 * @param snapshotsFolder where the supervisor keeps snapshots of kernels, which does not know the session's volume; undefined: in its own
 *   folder.
 */
export function createSupervisor(access: SupervisorAccess, snapshotsFolder?: string): Supervisor {
  return async (method, path, body, stop) => {
    const target = withFolder(path, snapshotsFolder);
    const { status, text } = await send(requireSocket(access), method, target, body, stop);
    return checked(status, text);
  };
}

export function withFolder(path: string, folder: string | undefined): string {
  if (folder === undefined) return path;
  return `${path}${path.includes('?') ? '&' : '?'}${new URLSearchParams({ folder })}`;
}

/** Returns the path of the socket. Throws SaveFailure with the reason if the session has no supervisor. */
export function requireSocket(access: SupervisorAccess): string {
  if ('socketPath' in access) return access.socketPath;
  const reason = access.absence && ` ${supervisorAbsence[access.absence]}`;
  throw new SaveFailure('unavailable', `This session has no supervisor of Jupyter and its kernels.${reason ?? ''}`);
}

/** Returns the response. Throws SaveFailure if the supervisor did not do what was requested. */
export function checked(status: number, text: string): SupervisorReply {
  const json = asObject(parseJson(text));
  if (!json) throw new SaveFailure('no-response', 'The supervisor of the session sent a response that is not valid.');
  if (status < 300) return { status, body: json };
  throw new SaveFailure(reasonOf(status), messageOf(json));
}

/** Returns the reason of a status of the supervisor. `otherwise`: of a status that says only that the request failed. */
export function reasonOf(status: number, otherwise: 'jupyter' | 'kernel' = 'jupyter') {
  const reasons = {
    400: 'invalid',
    413: 'invalid',
    404: 'not-found',
    409: 'conflict',
    499: 'cancelled',
    507: 'disk-full',
  } as const;
  return Object.entries(reasons).find(([each]) => Number(each) === status)?.[1] ?? otherwise;
}

/** Returns the sentence of the supervisor, with the last lines of the log of a server that did not start. */
function messageOf({ message, log }: Record<string, unknown>): string {
  const reason = typeof message === 'string' ? message : 'The supervisor of the session gives no reason.';
  // Another sentence follows.
  const sentence = /[.!?]$/.test(reason) ? reason : `${reason}.`;
  const lines = Array.isArray(log) ? log.filter((line) => typeof line === 'string' && line.trim() !== '') : [];
  return (lines.length === 0 ? sentence : `${sentence} The last lines of its log:\n${lines.join('\n')}`).slice(
    0,
    8_000,
  );
}

async function send(
  socketPath: string,
  method: string,
  path: string,
  body: Buffer,
  stop: AbortSignal,
): Promise<{ status: number; text: string }> {
  try {
    return await withSocketPath(socketPath, (short) => sendTo(short, method, path, body, stop));
  } catch (error) {
    throw error instanceof SaveFailure ? error : await connectionFailure(socketPath, error);
  }
}

function sendTo(
  socketPath: string,
  method: string,
  path: string,
  body: Buffer,
  stop: AbortSignal,
): Promise<{ status: number; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const signal = AbortSignal.any([stop, AbortSignal.timeout(limitMs)]);
  const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length };
  const call = request({ socketPath, method, path, headers, signal }, (response) => {
    const chunks: Buffer[] = [];
    let length = 0;
    response.on('error', reject);
    response.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBytes) call.destroy(new Error('the response is too long'));
      else chunks.push(chunk);
    });
    response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
  });
  call.on('error', reject);
  call.end(body);
  return promise;
}

const maxReasonBytes = 1_000;
/** The file is in the user's container: a pipe or a link is not read. */
const readFlags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

/** Returns why there was no response: a session can run without the supervisor that was planned for it. */
export async function connectionFailure(socketPath: string, cause: unknown): Promise<SaveFailure> {
  if (hasCode(cause, 'ENOENT', 'ECONNREFUSED')) {
    const reason = await readReason(join(dirname(socketPath), supervisorFile.unavailable));
    if (reason !== undefined)
      return new SaveFailure('unavailable', `This session has no supervisor. ${reason}`, { cause });
    if (hasCode(cause, 'ENOENT'))
      return new SaveFailure('unavailable', 'The supervisor of the session has not started yet.', { cause });
  }
  if (hasCode(cause, 'EACCES'))
    return new SaveFailure(
      'unavailable',
      'The Jupyter server of this session runs as another user than the agent, which therefore cannot ask its supervisor.',
      { cause },
    );
  return new SaveFailure('no-response', 'The supervisor of the session does not respond.', { cause });
}

async function readReason(path: string): Promise<string | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, readFlags);
    if (!(await file.stat()).isFile()) return undefined;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(maxReasonBytes), 0, maxReasonBytes, 0);
    return buffer
      .toString('utf8', 0, bytesRead)
      .replaceAll(/\p{Cc}+/gu, ' ')
      .trim();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES', 'ENOTDIR', 'ELOOP', 'ENXIO')) return undefined;
    throw error;
  } finally {
    await file?.close();
  }
}
