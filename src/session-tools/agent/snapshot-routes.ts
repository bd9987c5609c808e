import { asObject, parseJson } from '../../lib/json.ts';
import { SaveFailure } from '../saves/failure.ts';
import type { AutomaticSnapshots } from './automatic-snapshots.ts';
import type { ApiRequest, Route } from './route.ts';
import type { Snapshots } from './snapshots.ts';

export interface SnapshotRoutesParts {
  readonly snapshots: Snapshots;
  readonly automatic: AutomaticSnapshots;
}

const all = /^\/v1\/kernels\/([A-Za-z0-9_-]{1,64})\/snapshots$/;
const one = /^\/v1\/kernels\/([A-Za-z0-9_-]{1,64})\/snapshots\/(\d{8}T\d{6}-[0-9a-f]{8})$/;
const restore = /^\/v1\/kernels\/([A-Za-z0-9_-]{1,64})\/snapshots\/(\d{8}T\d{6}-[0-9a-f]{8})\/restore$/;
const maxLabel = 200;
const maxKeep = 1_000;

/** Returns the routes below `/v1/kernels/{id}/snapshots`. */
export function snapshotRoutes({ snapshots, automatic }: SnapshotRoutesParts): Route[] {
  const route = (method: string, path: RegExp, handle: Route['handle']): Route => ({
    ...{ method, path, handle },
    scope: 'kernels',
  });
  const list = async ({ id, stop }: ApiRequest) => ({
    status: 200,
    body: {
      ...(await snapshots.list(id, stop)),
      automatic: automatic.isOn(id),
      automatic_error: automatic.errorOf(id),
    },
  });
  return [
    route('GET', all, list),
    route('POST', all, async ({ id, body }) => {
      const { label = '', keep, engine } = read(body, ['label', 'keep', 'engine']);
      if (typeof label !== 'string' || label.length > maxLabel)
        throw invalid(`label: must be a text with at most ${maxLabel} characters`);
      if (keep !== undefined && !isNumber(keep)) throw invalid(`keep: must be a whole number from 1 to ${maxKeep}`);
      if (engine !== undefined && engine !== 'namespace' && engine !== 'criu')
        throw invalid('engine: must be namespace or criu');
      return { status: 202, body: await snapshots.take(id, { label, keep, engine, reason: 'user' }) };
    }),
    route('PATCH', all, async (request) => {
      const { automatic: isOn } = read(request.body, ['automatic']);
      if (typeof isOn !== 'boolean') throw invalid('automatic: must be true or false');
      // A kernel that does not exist is rejected.
      await list(request);
      await automatic.set(request.id, isOn);
      return await list(request);
    }),
    route('DELETE', all, async ({ id, stop }) => {
      await snapshots.remove(id, undefined, stop);
      return { status: 200, body: {} };
    }),
    route('DELETE', one, async ({ id, part, stop }) => {
      await snapshots.remove(id, part, stop);
      return { status: 200, body: {} };
    }),
    route('POST', restore, async ({ id, part, body }) => {
      const { force = false } = read(body, ['force']);
      if (typeof force !== 'boolean') throw invalid('force: must be true or false');
      return { status: 202, body: await snapshots.restore(id, part, force) };
    }),
  ];
}

function read(body: Buffer, names: readonly string[]): Record<string, unknown> {
  const json = body.length === 0 ? {} : asObject(parseJson(body.toString()));
  if (!json) throw invalid('The body is not a JSON object.');
  const unknown = Object.keys(json).find((name) => !names.includes(name));
  if (unknown !== undefined) throw invalid(`${unknown}: unknown member`);
  return json;
}

const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= maxKeep;

const invalid = (message: string): SaveFailure => new SaveFailure('invalid', message);
