import { isObject, type JsonObject } from '../../../lib/json.ts';
import { applyMergePatch } from '../../../lib/merge-patch.ts';
import type { DeleteRequest } from '../deletion.ts';
import { badRequest } from '../failures.ts';
import { fieldError } from '../field-errors.ts';
import { structureError } from '../json.ts';
import { jsonPatch } from '../json-patch.ts';
import { mediaType, parseJson, readBody, unsupportedMediaType } from './body.ts';
import { invalidOptions, readWriteOptions, rejectDryRun } from './options.ts';
import type { ResourceRequest } from './request.ts';
import { sendObject } from './responses.ts';

export async function serveCreate(request: ResourceRequest): Promise<void> {
  const { store, res, kind, namespace, query, as } = request;
  const options = readWriteOptions(query);
  const body = await readObject(request);
  sendObject(res, 201, as.one(store.createObject(kind, namespace, body, options)));
}

export async function serveReplace(request: ResourceRequest, name: string, subresource?: 'status'): Promise<void> {
  const { store, res, kind, namespace, query, as } = request;
  const options = { ...readWriteOptions(query), ...(subresource ? { subresource } : {}) };
  const body = await readObject(request);
  sendObject(res, 200, as.one(store.replaceObject(kind, namespace, name, body, options)));
}

type Patch = (current: JsonObject, patch: unknown) => unknown;

/** The supported patches. kubectl sends merge patches for custom resources, strategic merge patches for built-in kinds. */
const PATCHES = new Map<string, Patch>([
  ['application/json-patch+json', jsonPatch],
  [
    'application/merge-patch+json',
    (current, patch) => {
      if (!isObject(patch)) throw badRequest('a merge patch is an object');
      return applyMergePatch(current, patch);
    },
  ],
]);

export async function servePatch(request: ResourceRequest, name: string, subresource?: 'status'): Promise<void> {
  const { store, req, res, kind, namespace, query, as } = request;
  const options = { ...readWriteOptions(query), ...(subresource ? { subresource } : {}) };
  const type = mediaType(req);
  const apply = PATCHES.get(type);
  if (apply === undefined) {
    req.resume();
    const isStrategic = type === 'application/strategic-merge-patch+json';
    const why = isStrategic ? 'this API server does not support strategic merge patches' : undefined;
    throw unsupportedMediaType([...PATCHES.keys()], why);
  }
  const patch = parseJson(await readBody(req));
  const change = (current: JsonObject): unknown => {
    const result = apply(current, patch);
    // `copy` operations can nest the result deeper than the limit for a body.
    const error = structureError(result);
    if (error !== undefined) throw badRequest(`the result of the patch cannot be used: ${error}`);
    return result;
  };
  sendObject(res, 200, as.one(store.changeObject(kind, namespace, name, change, options)));
}

export async function serveDelete(request: ResourceRequest, name: string): Promise<void> {
  const { store, res, kind, namespace, as } = request;
  const deletion = await readDeleteOptions(request);
  const { outcome, entry } = store.deleteObject(kind, namespace, name, deletion);
  if (outcome !== 'removed' || kind.returnsDeleted) {
    sendObject(res, 200, as.one(entry));
    return;
  }
  const { group, plural } = kind.resource;
  const details = { name, ...(group ? { group } : {}), kind: plural, uid: entry.object.metadata.uid };
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
  sendObject(res, 200, JSON.stringify(status));
}

async function readObject({ req, kind }: ResourceRequest): Promise<JsonObject> {
  const type = mediaType(req);
  if (type !== '' && type !== 'application/json') {
    req.resume();
    throw unsupportedMediaType(['application/json']);
  }
  const body = parseJson(await readBody(req));
  if (!isObject(body)) throw badRequest(`the object provided is unrecognized (must be of type ${kind.kind})`);
  return body;
}

/** Reads DeleteOptions from the body or, if there is no body, from the query. */
async function readDeleteOptions({ req, query }: ResourceRequest): Promise<DeleteRequest> {
  const text = await readBody(req);
  const raw = text.trim() === '' ? Object.fromEntries(query) : parseJson(text);
  if (!isObject(raw)) throw badRequest('DeleteOptions must be an object');
  const { kind = 'DeleteOptions', gracePeriodSeconds = null, preconditions, dryRun } = raw;
  if (kind !== 'DeleteOptions') throw badRequest(`a DELETE takes DeleteOptions, not ${JSON.stringify(kind)}`);
  rejectDryRun([...query.getAll('dryRun'), ...[dryRun ?? []].flat()]);
  const deletion: DeleteRequest = {};
  if (gracePeriodSeconds !== null) {
    const isInteger = /^-?\d{1,15}$/.test(String(gracePeriodSeconds));
    if (!isInteger) throw badRequest('gracePeriodSeconds must be an integer');
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
  return deletion;
}

function propagationPolicy({
  propagationPolicy: policy,
  orphanDependents,
}: JsonObject): DeleteRequest['propagationPolicy'] {
  // kubectl 1.20 sends `orphanDependents` and no policy.
  if (!policy) {
    if (typeof orphanDependents !== 'boolean') return undefined;
    return orphanDependents ? 'Orphan' : 'Background';
  }
  if (policy === 'Foreground' || policy === 'Background' || policy === 'Orphan') return policy;
  const supported = ['Foreground', 'Background', 'Orphan'];
  throw invalidOptions('DeleteOptions', fieldError.notSupported('propagationPolicy', policy, supported));
}
