import { asObject } from '../lib/json.ts';
import { parseHocon } from './hocon.ts';
import { type ConfigTree, join, type KeyError } from './readers.ts';

type Path = readonly (string | number)[];

/**
 * Returns the `NB_` variables as a tree, and the variable of each key in `places`. In a name, `__` separates levels, a
 * single `_` belongs to the key, and `_0`, `_1`, ... number the items of a list; the value of a name that ends in `_` is
 * JSON or HOCON: NB_SESSIONS__GIT_CLONE__IMAGE, NB_REQUEST__ALLOWED_HOSTS_0, NB_RESOURCE_POOLS_='[...]'. An empty variable
 * counts as not set, because charts set variables without a value to the empty string.
 */
export function readEnvironment(env: NodeJS.ProcessEnv): {
  tree: ConfigTree;
  places: Map<string, string>;
  errors: KeyError[];
} {
  const places = new Map<string, string>();
  const errors: KeyError[] = [];
  const root = new Branch();
  for (const name of Object.keys(env).sort()) {
    const value = env[name];
    if (!name.startsWith('NB_') || name === 'NB_' || value === undefined || value === '') continue;
    const structured = name.endsWith('_');
    const path = pathOf(name.slice('NB_'.length, structured ? -1 : undefined));
    places.set(path.reduce<string>(join, ''), name);
    const hocon = structured ? parseHocon(value, env) : undefined;
    const [error] = hocon?.errors ?? [];
    const reason = error
      ? `must be JSON or HOCON because its name ends in _: ${error.reason}`
      : root.set(path, hocon ? hocon.tree : value);
    if (reason) errors.push({ key: '', reason, at: name });
  }
  return { tree: asObject(root.tree(errors, '')) ?? {}, places, errors };
}

/** `SESSIONS__CA_CERTS__SECRETS_0__SECRET` -> sessions, ca_certs, secrets, 0, secret. */
function pathOf(name: string): Path {
  return name
    .toLowerCase()
    .split('__')
    .flatMap((part): (string | number)[] => {
      const [, list, index] = /^(.+)_(\d{1,4})$/.exec(part) ?? [];
      return list !== undefined && index !== undefined ? [list, Number(index)] : [part];
    });
}

/** A level of the tree while it is built. Uses a Map, because a variable can have the name of a property of Object.prototype. */
class Branch {
  readonly #children = new Map<string | number, Branch | { value: unknown }>();

  /** Returns the error in the name, if any. */
  set([name, ...rest]: Path, value: unknown): string | undefined {
    if (name === undefined) return 'names no key';
    const child = this.#children.get(name);
    if (rest.length === 0) {
      if (child) return 'is set twice: as a value and as a group of keys';
      this.#children.set(name, { value });
      return undefined;
    }
    if (child && !(child instanceof Branch)) return 'is part of a key that another variable sets as a whole';
    const branch = child ?? new Branch();
    this.#children.set(name, branch);
    return branch.set(rest, value);
  }

  tree(errors: KeyError[], key: string): unknown {
    const entries = [...this.#children].map(([name, child]) => {
      const inner = key === '' ? String(name) : `${key}.${name}`;
      return [name, child instanceof Branch ? child.tree(errors, inner) : child.value] as const;
    });
    const numbered = entries.filter(([name]) => typeof name === 'number');
    if (numbered.length === 0) return Object.fromEntries(entries);
    const sorted = numbered.sort(([one], [other]) => Number(one) - Number(other));
    if (numbered.length < entries.length || sorted.some(([index], position) => index !== position)) {
      errors.push({ key, reason: 'must be a list numbered 0, 1, 2, ... without gaps' });
    }
    return sorted.map(([, value]) => value);
  }
}
