import { parseHocon } from './hocon.ts';
import { type ConfigProblem, type ConfigTree, join } from './readers.ts';

type Path = readonly (string | number)[];

/**
 * The `NB_` variables as a tree. `__` separates levels, a single `_` belongs to the name, `_0`, `_1`, ... number the
 * elements of a list, and a name that ends in `_` holds JSON or HOCON: NB_SESSIONS__GIT_CLONE__IMAGE,
 * NB_REQUEST__ALLOWED_HOSTS_0, NB_RESOURCE_POOLS_='[...]'. An empty variable counts as not set (charts leave them so).
 * `places`: the variable of each key.
 */
export function readEnvironment(env: NodeJS.ProcessEnv): {
  tree: ConfigTree;
  places: Map<string, string>;
  problems: ConfigProblem[];
} {
  const places = new Map<string, string>();
  const problems: ConfigProblem[] = [];
  const root = new Branch();
  for (const name of Object.keys(env).sort()) {
    const value = env[name];
    if (!name.startsWith('NB_') || name === 'NB_' || value === undefined || value === '') continue;
    const structured = name.endsWith('_');
    const path = pathOf(name.slice('NB_'.length, structured ? -1 : undefined));
    places.set(path.reduce<string>(join, ''), name);
    const hocon = structured ? parseHocon(value, env) : undefined;
    const [problem] = hocon?.problems ?? [];
    const reason = problem
      ? `must be JSON or HOCON, because its name ends in _, and is not: ${problem.reason}`
      : root.set(path, hocon ? hocon.tree : value);
    if (reason) problems.push({ key: '', reason, at: name });
  }
  return { tree: root.tree(problems, '') as ConfigTree, places, problems };
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

/** A level of the tree while it is being put together. Maps, so that no name of a variable is a prototype's. */
class Branch {
  readonly #children = new Map<string | number, Branch | { value: unknown }>();

  /** Returns what is wrong with the name, if anything. */
  set([name, ...rest]: Path, value: unknown): string | undefined {
    if (name === undefined) return 'names no key';
    const child = this.#children.get(name);
    if (rest.length === 0) {
      if (child) return 'is set a second time, as a value and as a group of keys';
      this.#children.set(name, { value });
      return undefined;
    }
    if (child && !(child instanceof Branch)) return 'belongs to a key that is set as a whole by another variable';
    const branch = child ?? new Branch();
    this.#children.set(name, branch);
    return branch.set(rest, value);
  }

  tree(problems: ConfigProblem[], key: string): unknown {
    const entries = [...this.#children].map(([name, child]) => {
      const inner = key === '' ? String(name) : `${key}.${name}`;
      return [name, child instanceof Branch ? child.tree(problems, inner) : child.value] as const;
    });
    const numbered = entries.filter(([name]) => typeof name === 'number');
    if (numbered.length === 0) return Object.fromEntries(entries);
    const sorted = numbered.sort(([one], [other]) => Number(one) - Number(other));
    if (numbered.length < entries.length || sorted.some(([index], position) => index !== position)) {
      problems.push({ key, reason: 'is a list whose elements must be numbered 0, 1, 2, ... without a gap' });
    }
    return sorted.map(([, value]) => value);
  }
}
