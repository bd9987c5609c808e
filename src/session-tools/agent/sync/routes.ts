import { asObject, parseJson } from '../../../lib/json.ts';
import { SaveFailure } from '../../saves/failure.ts';
import type { Reply } from '../http.ts';
import type { Sync } from './sync.ts';

export interface SyncRoute {
  readonly method: string;
  readonly path: RegExp;
  readonly scope: 'sync';
  readonly handle: (request: SyncRouteRequest) => Promise<Reply>;
}

export interface SyncRouteRequest {
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Buffer;
  readonly stop: AbortSignal;
}

const folder = '/v1/sync-folders/([a-z0-9][a-z0-9-]{0,31})';
const idPart = '([a-zA-Z0-9-]{1,64})';
const maxWaitSeconds = 30;

/**
 * Returns the routes below `/v1/sync-folders`. They throw SaveFailure.
 * @param sync undefined: the session has no key, or its volume cannot be used
 */
export function syncRoutes(sync: Sync | undefined): SyncRoute[] {
  const route = (
    method: string,
    path: string,
    handle: (sync: Sync, ids: readonly [id: string, part: string], request: SyncRouteRequest) => Promise<Reply>,
  ): SyncRoute => {
    const pattern = new RegExp(`^${path}$`);
    return {
      ...{ method, path: pattern, scope: 'sync' },
      handle: (request) => {
        if (!sync)
          throw new SaveFailure(
            'conflict',
            'The session cannot synchronize folders: it has no key, or its volume cannot be used (see the log of its agent).',
          );
        const [, id = '', part = ''] = pattern.exec(request.path) ?? [];
        return handle(sync, [id, part], request);
      },
    };
  };
  return [
    route('GET', '/v1/sync-folders', async (own) => ({ status: 200, body: await own.list() })),
    route('GET', folder, async (own, [id]) => ({ status: 200, body: await own.get(id) })),
    route('PUT', folder, async (own, [id], { body }) => {
      const isNew = await own.put(id, parseJson(body.toString()));
      return { status: isNew ? 201 : 200, body: await own.get(id) };
    }),
    route('DELETE', folder, async (own, [id]) => {
      await own.remove(id);
      return { status: 204 };
    }),
    route('POST', `${folder}/sync`, async (own, [id], { body }) => ({
      status: 202,
      body: own.start(id, readDeletions(body)),
    })),
    route('GET', `${folder}/operations`, async (own, [id]) => ({
      status: 200,
      body: { operations: own.operations(id) },
    })),
    route('GET', `${folder}/operations/${idPart}`, async (own, [id, operation], { query, stop }) => {
      const wait = integerIn(query, 'wait', maxWaitSeconds) ?? 0;
      const version = integerIn(query, 'version', Number.MAX_SAFE_INTEGER);
      return { status: 200, body: await own.wait(id, operation, { version, waitMs: wait * 1000, stop }) };
    }),
    route('DELETE', `${folder}/operations/${idPart}`, async (own, [id, operation]) => ({
      status: 200,
      body: own.cancel(id, operation),
    })),
    route('POST', `${folder}/conflicts/${idPart}`, async (own, [id, conflict], { body }) => {
      await own.resolve(id, conflict, readResolution(body));
      return { status: 200, body: await own.get(id) };
    }),
  ];
}

const invalid = (message: string): SaveFailure => new SaveFailure('invalid', message);

function readMembers(body: Buffer, known: readonly string[]): Record<string, unknown> {
  const json = body.length === 0 ? {} : asObject(parseJson(body.toString()));
  if (!json) throw invalid('The body is not a JSON object.');
  const unknown = Object.keys(json).find((member) => !known.includes(member));
  if (unknown !== undefined) throw invalid(`${unknown}: unknown member`);
  return json;
}

function readDeletions(body: Buffer): number | undefined {
  const { deletions } = readMembers(body, ['deletions']);
  if (deletions === undefined) return undefined;
  if (typeof deletions === 'number' && Number.isInteger(deletions) && deletions > 0) return deletions;
  throw invalid('deletions: must be a whole number greater than 0');
}

function readResolution(body: Buffer): 'keep-both' | 'mine' | 'theirs' {
  const { resolution } = readMembers(body, ['resolution']);
  if (resolution === 'keep-both' || resolution === 'mine' || resolution === 'theirs') return resolution;
  throw invalid('resolution: must be one of keep-both, mine, theirs');
}

function integerIn(query: URLSearchParams, name: string, max: number): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (/^\d{1,16}$/.test(text) && Number(text) <= max) return Number(text);
  throw invalid(`${name}: must be a whole number from 0 to ${max}`);
}
