import { type IncomingMessage, request } from 'node:http';
import { asObject, parseJson } from '../../lib/json.ts';
import { withSocketPath } from '../../lib/unix-socket.ts';
import { SaveFailure } from '../saves/failure.ts';
import {
  checked,
  connectionFailure,
  reasonOf,
  requireSocket,
  type SupervisorAccess,
  withFolder,
} from './supervisor.ts';

/** Milliseconds without a line: a disk may need minutes to write the files of a snapshot. */
const idleMs = 600_000;
/** Larger than the longest line: the manifest of a snapshot. */
const maxLineBytes = 32 * 1024 * 1024;
const maxErrorBytes = 64 * 1024;

export type Line = Readonly<Record<string, unknown>>;

/**
 * Sends a request that the supervisor answers with one JSON object for each line, and resolves when it accepts the request. The
 * iterator ends after the last line. It throws SaveFailure, as the function does; aborting `stop` ends what the supervisor does.
 */
export type SupervisorStream = (path: string, body: object, stop: AbortSignal) => Promise<AsyncIterable<Line>>;

export function createSupervisorStream(access: SupervisorAccess, snapshotsFolder: string): SupervisorStream {
  return async (path, body, stop) => {
    const socketPath = requireSocket(access);
    const response = await withSocketPath(socketPath, (short) =>
      post(short, withFolder(path, snapshotsFolder), body, stop),
    ).catch(async (error: unknown) => {
      throw await connectionFailure(socketPath, error);
    });
    const status = response.statusCode ?? 0;
    if (status >= 300) checked(status, await textOf(response));
    return linesOf(response);
  };
}

function post(socketPath: string, path: string, body: object, signal: AbortSignal): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const text = Buffer.from(JSON.stringify(body));
  const headers = { 'Content-Type': 'application/json', 'Content-Length': text.length };
  const call = request({ socketPath, method: 'POST', path, headers, signal, timeout: idleMs }, resolve);
  call.on('timeout', () => call.destroy(new Error('no line in time')));
  call.on('error', reject);
  call.end(text);
  return promise;
}

async function* linesOf(response: IncomingMessage): AsyncIterable<Line> {
  let rest = '';
  response.setEncoding('utf8');
  try {
    for await (const chunk of response) {
      rest += String(chunk);
      if (rest.length > maxLineBytes) throw new Error('a line is too long');
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield parseLine(line);
    }
  } catch (error) {
    throw error instanceof SaveFailure ? error : noResponse(error);
  } finally {
    response.destroy();
  }
}

function parseLine(text: string): Line {
  const line = asObject(parseJson(text));
  if (!line) throw new SaveFailure('no-response', 'The supervisor of the session sent a line that is not valid.');
  const error = asObject(line['error']);
  if (!error) return line;
  throw new SaveFailure(reasonOf(Number(error['status']), 'kernel'), String(error['message']).slice(0, 8_000));
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) {
    text += String(chunk);
    if (text.length > maxErrorBytes) break;
  }
  return text;
}

const noResponse = (cause: unknown): SaveFailure =>
  new SaveFailure('no-response', 'The supervisor of the session does not respond.', { cause });
