import { isObject, type JsonObject } from '../../src/lib/json.ts';
import { type Row, rows } from './table.ts';

export interface Migration {
  /** Values of this chart. */
  readonly values: JsonObject;
  /** Sentences about keys without a counterpart, and about decisions, in the order of the input. */
  readonly notes: readonly string[];
}

const byKey = new Map(rows.map((row) => [row.from, row]));

/** Returns the values of this chart for values of the chart of renku-notebooks 1.18.1. Keys with the value null are ignored. */
export function convertValues(original: JsonObject): Migration {
  const values: JsonObject = {};
  const notes: string[] = [];
  for (const [key, value, row] of entries(original, '')) {
    if (row === undefined) {
      notes.push(`${key}: not a value of the chart of renku-notebooks 1.18.1; check its spelling`);
      continue;
    }
    const converted = row.convert ? row.convert(value) : row.to ? { [row.to]: value } : {};
    for (const [to, each] of Object.entries(converted)) set(values, to.split('.'), each);
    if (row.note !== undefined)
      notes.push(row.to ? `${key} is now ${row.to} (${row.note})` : `${key} has no counterpart (${row.note})`);
  }
  notes.push(...decisions(original));
  return { values, notes };
}

/** Yields the values that a row of the table handles, as a whole where the row has a group, with that row. */
function* entries(group: JsonObject, path: string): Generator<[string, unknown, Row | undefined]> {
  for (const [name, value] of Object.entries(group)) {
    const key = path === '' ? name : `${path}.${name}`;
    if (value === null || value === undefined) continue;
    const row = byKey.get(key);
    if (row) yield [key, value, row];
    else if (isObject(value) && rows.some(({ from }) => from.startsWith(`${key}.`) && from !== `${key}.*`))
      yield* entries(value, key);
    else yield [key, value, byKey.get(`${path}.*`) ?? byKey.get(`${key}.*`)];
  }
}

function set(values: JsonObject, [name = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    values[name] = value;
    return;
  }
  const below = values[name];
  const group: JsonObject = isObject(below) ? below : {};
  values[name] = group;
  set(group, rest, value);
}

/** Sentences about what this chart requires and the original does not have. */
function decisions(original: JsonObject): string[] {
  const global = isObject(original['global']) ? original['global'] : {};
  const domain = isObject(global['renku']) ? global['renku']['domain'] : undefined;
  return [
    'config.sessions.ingress: the original has annotations for the ingress controller nginx by default; set class_name and annotations as in docs/deploy.md',
    domain === undefined
      ? 'config.identity: the original trusts the headers of its gateway; set config.identity.gateway to verified with jwks_url, issuer and audience, or to trusted'
      : 'config.identity: ID tokens are verified with the keys of the realm at global.renku.domain and the audience renku; set config.identity for another provider',
    'config.sessions.containers: sessions of registered users have the git-proxy and git-sidecar of this project; to keep the programs of the original, set config.sessions.git_proxy.image and config.sessions.git_rpc_server.image',
  ];
}
