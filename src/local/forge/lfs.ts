import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isAbsolute, join, resolve } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hasCode } from '../../lib/error-code.ts';
import { isObject, parseJson } from '../../lib/json.ts';
import { readBodyUpTo } from '../http/body.ts';
import { sendJson } from '../http/responses.ts';
import { readText } from '../machine/private-files.ts';
import type { ForgeProject, ForgeUser } from './records.ts';

export interface LfsCall {
  readonly project: ForgeProject;
  /** Public address of the project's LFS server. */
  readonly url: string;
  /** The path after `/info/lfs`. */
  readonly path: readonly string[];
  readonly user: ForgeUser | undefined;
  readonly mayWrite: boolean;
  readonly challenge: Record<string, string>;
}

const mediaType = { 'Content-Type': 'application/vnd.git-lfs+json' };
const objectId = /^[0-9a-f]{64}$/;
const maxBatchBytes = 1024 * 1024;

/**
 * Handles Git LFS's batch API with the basic transfer (git-lfs, docs/api), without locks. Objects are in the folder that
 * git-lfs itself uses in a repository, so that a user's own repository serves its objects and finds those that are pushed.
 */
export async function serveLfs(call: LfsCall, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [area, id, ...more] = call.path;
  const { method } = request;
  if (area !== 'objects' || id === undefined || more.length > 0) return sendFailure(response, 404, 'Not found');
  if (id === 'batch') {
    if (method !== 'POST') return sendFailure(response, 405, 'Use POST');
    return batch(call, request, response);
  }
  if (!objectId.test(id)) return sendFailure(response, 404, 'Not found');
  if (method === 'GET') return download(call, id, response);
  if (method === 'PUT') return upload(call, id, request, response);
  return sendFailure(response, 405, 'Use GET or PUT');
}

async function batch(call: LfsCall, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = parseJson(String((await readBodyUpTo(request, maxBatchBytes)) ?? ''));
  if (!isBatch(body)) return sendFailure(response, 422, 'The batch request is not valid');
  if (body.operation === 'upload' && !call.mayWrite) return rejectWrite(call, response);
  const authorization = request.headers.authorization;
  const header = authorization === undefined ? {} : { header: { Authorization: authorization } };
  const objects = await Promise.all(
    body.objects.map(async ({ oid, size }) => {
      const storedSize = await sizeOf(await objectPath(call.project, oid));
      const href = `${call.url}/objects/${oid}`;
      if (body.operation === 'upload') {
        return storedSize === undefined ? { oid, size, actions: { upload: { href, ...header } } } : { oid, size };
      }
      return storedSize === undefined
        ? { oid, size, error: { code: 404, message: 'The forge does not have this object' } }
        : { oid, size: storedSize, authenticated: true, actions: { download: { href, ...header } } };
    }),
  );
  sendJson(response, 200, { transfer: 'basic', objects }, mediaType);
}

async function download(call: LfsCall, oid: string, response: ServerResponse): Promise<void> {
  const path = await objectPath(call.project, oid);
  const size = await sizeOf(path);
  if (size === undefined) return sendFailure(response, 404, 'The forge does not have this object');
  response.writeHead(200, {
    'Content-Type': 'application/octet-stream',
    'Content-Length': size,
    'X-Content-Type-Options': 'nosniff',
  });
  await pipeline(createReadStream(path), response);
}

/** Stores an object under the SHA-256 of its content. Content with another hash is rejected. */
async function upload(call: LfsCall, oid: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (!call.mayWrite) return rejectWrite(call, response);
  const path = await objectPath(call.project, oid);
  const temporary = `${path}.${randomUUID()}.part`;
  const hash = createHash('sha256');
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await mkdir(join(path, '..'), { recursive: true });
  try {
    await pipeline(request, hashing, createWriteStream(temporary, { mode: 0o600 }));
    if (hash.digest('hex') !== oid) return sendFailure(response, 422, 'The content does not match the object id');
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
  response.writeHead(200).end();
}

function sendFailure(response: ServerResponse, status: number, message: string): void {
  sendJson(response, status, { message }, mediaType);
}

function rejectWrite(call: LfsCall, response: ServerResponse): void {
  if (call.user) sendFailure(response, 403, 'You are not allowed to push to this project');
  else sendJson(response, 401, { message: 'Credentials needed' }, { ...mediaType, ...call.challenge });
}

interface BatchObject {
  oid: string;
  size: number;
}

interface Batch {
  operation: 'download' | 'upload';
  objects: BatchObject[];
}

function isBatch(value: unknown): value is Batch {
  if (!isObject(value)) return false;
  const { operation, objects } = value;
  return (operation === 'download' || operation === 'upload') && Array.isArray(objects) && objects.every(isBatchObject);
}

function isBatchObject(value: unknown): value is BatchObject {
  if (!isObject(value)) return false;
  const { oid, size } = value;
  return typeof oid === 'string' && objectId.test(oid) && Number.isSafeInteger(size);
}

async function objectPath(project: ForgeProject, oid: string): Promise<string> {
  return join(await commonDirectory(project.gitDir), 'lfs', 'objects', oid.slice(0, 2), oid.slice(2, 4), oid);
}

/** Returns the git directory with the objects: for a linked working tree, the path in the file `commondir`; else `gitDir`. */
async function commonDirectory(gitDir: string): Promise<string> {
  const name = (await readText(join(gitDir, 'commondir')))?.trim();
  if (name === undefined) return gitDir;
  return isAbsolute(name) ? name : resolve(gitDir, name);
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}
