import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isAbsolute, join, resolve } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { readBodyUpTo } from '../http/body.ts';
import { sendJson } from './http.ts';
import type { ForgeProject, ForgeUser } from './records.ts';

export interface LfsCall {
  readonly project: ForgeProject;
  /** Public address of the project's LFS server. */
  readonly url: string;
  /** What follows `/info/lfs`. */
  readonly path: readonly string[];
  readonly user: ForgeUser | undefined;
  readonly mayWrite: boolean;
  readonly challenge: Record<string, string>;
}

const mediaType = { 'Content-Type': 'application/vnd.git-lfs+json' };
const objectId = /^[0-9a-f]{64}$/;
const maxBatchBytes = 1024 * 1024;

/**
 * Git LFS's batch API with the basic transfer (git-lfs, docs/api). Objects lie where git-lfs itself keeps them in a
 * repository, so that a user's own repository serves what it has, and finds what is pushed. Locks are not offered.
 */
export async function serveLfs(call: LfsCall, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [area, id, ...more] = call.path;
  const { method } = request;
  if (area !== 'objects' || id === undefined || more.length > 0) return refuse(response, 404, 'Not found');
  if (id === 'batch') {
    if (method !== 'POST') return refuse(response, 405, 'Use POST');
    return batch(call, request, response);
  }
  if (!objectId.test(id)) return refuse(response, 404, 'Not found');
  if (method === 'GET') return download(call, id, response);
  if (method === 'PUT') return upload(call, id, request, response);
  return refuse(response, 405, 'Use GET or PUT');
}

async function batch(call: LfsCall, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readBatch(request);
  if (!body) return refuse(response, 422, 'The batch request is not valid');
  if (body.operation === 'upload' && !call.mayWrite) return refuseWrite(call, response);
  const authorization = request.headers.authorization;
  const header = authorization === undefined ? {} : { header: { Authorization: authorization } };
  const objects = await Promise.all(
    body.objects.map(async ({ oid, size }) => {
      const present = await sizeOf(await objectPath(call.project, oid));
      const href = `${call.url}/objects/${oid}`;
      if (body.operation === 'upload') {
        return present === undefined ? { oid, size, actions: { upload: { href, ...header } } } : { oid, size };
      }
      return present === undefined
        ? { oid, size, error: { code: 404, message: 'The forge does not have this object' } }
        : { oid, size: present, authenticated: true, actions: { download: { href, ...header } } };
    }),
  );
  sendJson(response, 200, { transfer: 'basic', objects }, mediaType);
}

async function download(call: LfsCall, oid: string, response: ServerResponse): Promise<void> {
  const path = await objectPath(call.project, oid);
  const size = await sizeOf(path);
  if (size === undefined) return refuse(response, 404, 'The forge does not have this object');
  response.writeHead(200, {
    'Content-Type': 'application/octet-stream',
    'Content-Length': size,
    'X-Content-Type-Options': 'nosniff',
  });
  await pipeline(createReadStream(path), response);
}

/** An object's name is the SHA-256 of its content: what does not match is never kept. */
async function upload(call: LfsCall, oid: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (!call.mayWrite) return refuseWrite(call, response);
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
    if (hash.digest('hex') !== oid) return refuse(response, 422, 'The content does not match the object id');
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
  response.writeHead(200).end();
}

function refuse(response: ServerResponse, status: number, message: string): void {
  sendJson(response, status, { message }, mediaType);
}

function refuseWrite(call: LfsCall, response: ServerResponse): void {
  if (call.user) refuse(response, 403, 'You are not allowed to push to this project');
  else sendJson(response, 401, { message: 'Credentials needed' }, { ...mediaType, ...call.challenge });
}

interface Batch {
  operation: 'download' | 'upload';
  objects: { oid: string; size: number }[];
}

async function readBatch(request: IncomingMessage): Promise<Batch | undefined> {
  const content = await readBodyUpTo(request, maxBatchBytes);
  if (!content) return undefined;
  let body: unknown;
  try {
    body = JSON.parse(content.toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  return isBatch(body) ? body : undefined;
}

function isBatch(value: unknown): value is Batch {
  const batch = value as Partial<Batch> | null;
  return (
    typeof batch === 'object' &&
    batch !== null &&
    (batch.operation === 'download' || batch.operation === 'upload') &&
    Array.isArray(batch.objects) &&
    batch.objects.every(
      (object: Partial<Batch['objects'][number]> | null) =>
        typeof object?.oid === 'string' && objectId.test(object.oid) && Number.isSafeInteger(object.size),
    )
  );
}

async function objectPath(project: ForgeProject, oid: string): Promise<string> {
  return join(await commonDirectory(project.gitDir), 'lfs', 'objects', oid.slice(0, 2), oid.slice(2, 4), oid);
}

/** A linked working tree shares its objects with the repository that its `commondir` file names. */
async function commonDirectory(gitDir: string): Promise<string> {
  try {
    const name = (await readFile(join(gitDir, 'commondir'), 'utf8')).trim();
    return isAbsolute(name) ? name : resolve(gitDir, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return gitDir;
    throw error;
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
