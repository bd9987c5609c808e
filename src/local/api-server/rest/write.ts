import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DeleteRequest } from '../deletion.ts';
import { badRequest, qualifiedName } from '../failures.ts';
import { fieldError } from '../field-errors.ts';
import { isObject, type JsonObject, structureProblem } from '../json.ts';
import type { Kind } from '../kinds/kind.ts';
import { jsonPatch, mergePatch } from '../patch.ts';
import type { Store, WriteOptions, Written } from '../store.ts';
import { strategicMergePatch } from '../strategic-merge.ts';
import { addWarnings, send } from './answers.ts';
import { mediaType, parseJson, readBody, unsupportedMediaType } from './body.ts';
import { invalidOptions, readDryRun, readListOptions, readWriteOptions } from './options.ts';
import type { Representation } from './representation.ts';
import { select, selectionOf } from './selection.ts';

/** One request that writes: who it is about and how it wants to be answered. */
export interface WriteRequest {
  store: Store;
  req: IncomingMessage;
  res: ServerResponse;
  kind: Kind;
  namespace: string;
  query: URLSearchParams;
  as: Representation;
}

export async function serveCreate(request: WriteRequest): Promise<void> {
  const { store, kind, namespace, query } = request;
  const options = readWriteOptions(query);
  const body = await readObject(request);
  answer(request, 201, store.createObject(kind, namespace, body, options), options);
}

export async function serveReplace(request: WriteRequest, name: string, subresource?: 'status'): Promise<void> {
  const { store, kind, namespace, query } = request;
  const options = { ...readWriteOptions(query), ...(subresource ? { subresource } : {}) };
  const body = await readObject(request);
  answer(request, 200, store.replaceObject(kind, namespace, name, body, options), options);
}

type Apply = (current: JsonObject, patch: unknown) => unknown;

export async function servePatch(request: WriteRequest, name: string, subresource?: 'status'): Promise<void> {
  const { store, req, kind, namespace, query } = request;
  const options = { ...readWriteOptions(query), ...(subresource ? { subresource } : {}) };
  const apply = patchOf(kind, mediaType(req));
  if (apply === undefined) {
    req.resume();
    const strategic = kind.selfDescribing ? [] : ['application/strategic-merge-patch+json'];
    throw unsupportedMediaType(['application/json-patch+json', 'application/merge-patch+json', ...strategic]);
  }
  const patch = parseJson(await readBody(req));
  const change = (current: JsonObject): unknown => {
    const result = apply(current, patch);
    // Operations that copy can nest more deeply than any body.
    const trouble = structureProblem(result);
    if (trouble !== undefined) throw badRequest(`the result of the patch cannot be used: ${trouble}`);
    return result;
  };
  const written = store.changeObject(kind, namespace, name, change, options);
  answer(request, 200, written, options);
}

/** What a kind's patches may look like. Server-side apply is not among them: clients fall back to the others. */
function patchOf(kind: Kind, contentType: string): Apply | undefined {
  switch (contentType) {
    case 'application/json-patch+json':
      return jsonPatch;
    case 'application/merge-patch+json':
      return (current, patch) => {
        if (!isObject(patch)) throw badRequest('a merge patch is an object');
        return mergePatch(current, patch);
      };
    case 'application/strategic-merge-patch+json':
      return kind.selfDescribing ? undefined : strategicMergePatch;
    default:
      return undefined;
  }
}

export async function serveDelete(request: WriteRequest, name: string): Promise<void> {
  const { store, res, kind, namespace, as } = request;
  const { deletion, dryRun } = await readDeleteOptions(request);
  const { outcome, entry } = store.deleteObject(kind, namespace, name, deletion, { dryRun });
  if (outcome !== 'removed' || kind.returnsDeleted) {
    send(res, 200, as.one(entry));
    return;
  }
  const { group, plural } = kind.resource;
  const details = { name, ...(group ? { group } : {}), kind: plural, uid: entry.object.metadata.uid };
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
  send(res, 200, JSON.stringify(status));
}

/** Deletes everything that matches, each object by its own rules, and answers with the list of them. */
export async function serveDeleteCollection(request: WriteRequest): Promise<void> {
  const { store, res, kind, namespace, query, as } = request;
  const selection = selectionOf(kind, namespace, readListOptions(query));
  const { deletion, dryRun } = await readDeleteOptions(request);
  const found = select(store.objects.entries(kind), selection).map(([, entry]) => entry);
  for (const { object } of found) {
    const { name = '', namespace: home = '' } = object.metadata;
    store.deleteObject(kind, home, name, deletion, { dryRun });
  }
  send(res, 200, as.list(found, { resourceVersion: String(store.objects.version) }));
}

function answer(request: WriteRequest, code: number, { entry, unknownFields }: Written, options: WriteOptions): void {
  if (options.fieldValidation === 'Warn') {
    addWarnings(
      request.res,
      unknownFields.map((field) => `unknown field "${field}"`),
    );
  }
  send(request.res, code, request.as.one(entry));
}

async function readObject({ req, kind }: WriteRequest): Promise<JsonObject> {
  const type = mediaType(req);
  if (type !== '' && type !== 'application/json') {
    req.resume();
    throw unsupportedMediaType(['application/json']);
  }
  const body = parseJson(await readBody(req));
  if (!isObject(body)) throw badRequest(`the object provided is unrecognized (must be of type ${kind.kind})`);
  return body;
}

/** DeleteOptions come as a body or, where there is none, in the query. */
async function readDeleteOptions(request: WriteRequest): Promise<{ deletion: DeleteRequest; dryRun: boolean }> {
  const { req, query, kind } = request;
  const text = await readBody(req);
  const raw = text.trim() === '' ? fromQuery(query) : parseJson(text);
  if (!isObject(raw)) throw badRequest('DeleteOptions must be an object');
  if (raw['kind'] !== undefined && raw['kind'] !== 'DeleteOptions') {
    throw badRequest(`a DELETE of ${qualifiedName(kind)} takes DeleteOptions, not ${JSON.stringify(raw['kind'])}`);
  }
  const deletion: DeleteRequest = {};
  const { gracePeriodSeconds, preconditions, dryRun } = raw;
  if (gracePeriodSeconds !== undefined && gracePeriodSeconds !== null) {
    if (!Number.isSafeInteger(gracePeriodSeconds)) throw badRequest('gracePeriodSeconds must be an integer');
    deletion.gracePeriodSeconds = Number(gracePeriodSeconds);
  }
  const policy = propagationPolicy(raw);
  if (policy !== undefined) deletion.propagationPolicy = policy;
  if (isObject(preconditions)) {
    const { uid, resourceVersion } = preconditions;
    deletion.preconditions = {
      ...(typeof uid === 'string' ? { uid } : {}),
      ...(typeof resourceVersion === 'string' ? { resourceVersion } : {}),
    };
  }
  const dryRuns = [...query.getAll('dryRun'), ...(Array.isArray(dryRun) ? dryRun : [])];
  return { deletion, dryRun: readDryRun(dryRuns) };
}

function fromQuery(query: URLSearchParams): JsonObject {
  const grace = query.get('gracePeriodSeconds');
  const orphan = query.get('orphanDependents');
  return {
    ...(grace === null ? {} : { gracePeriodSeconds: grace === '' ? undefined : Number(grace) }),
    ...(orphan === null ? {} : { orphanDependents: orphan === 'true' }),
    propagationPolicy: query.get('propagationPolicy') ?? undefined,
  };
}

function propagationPolicy(raw: JsonObject): DeleteRequest['propagationPolicy'] {
  const policy = raw['propagationPolicy'] ?? undefined;
  // The older spelling of Orphan and Background; kubectl 1.20 and older clients still send it.
  const orphan = raw['orphanDependents'] ?? undefined;
  if (policy === undefined) return orphan === undefined ? undefined : orphan === true ? 'Orphan' : 'Background';
  if (orphan !== undefined) {
    const why = 'orphanDependents and deletionPropagation cannot be both set';
    throw invalidOptions('DeleteOptions', fieldError.invalid('propagationPolicy', policy, why));
  }
  if (policy === 'Foreground' || policy === 'Background' || policy === 'Orphan') return policy;
  const supported = ['Foreground', 'Background', 'Orphan'];
  throw invalidOptions('DeleteOptions', fieldError.notSupported('propagationPolicy', policy, supported));
}
