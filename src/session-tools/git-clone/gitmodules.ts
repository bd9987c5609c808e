export interface Submodule {
  readonly name: string;
  readonly path: string;
  readonly url: string;
  readonly shallow: boolean;
}

export interface Skipped {
  /** Its name or path, as the repository writes it. */
  readonly submodule: string;
  readonly why: string;
}

export interface Modules {
  readonly usable: readonly Submodule[];
  readonly skipped: readonly Skipped[];
  /** Those that the repository itself says are not to be fetched (`update = none`). */
  readonly unwanted: readonly string[];
}

/** git reads .gitmodules as a whole, for `git status` too. */
const untilMended = '; git commands that look at submodules fail until the line is removed';

const updates = new Set(['checkout', 'rebase', 'merge', 'none']);

/**
 * What of a repository's submodules may be fetched. `listing`: `git config --null --list` of its .gitmodules; `links`:
 * the paths at which its commit has submodules. One that git would refuse, and everything else with it, is skipped with
 * the reason. What no commit has a place for is left out, as git does.
 */
export function readModules(listing: string, links: readonly string[]): Modules {
  const usable = new Map<string, Submodule>();
  const skipped: Skipped[] = [];
  const unwanted: string[] = [];
  const open = new Set(links);
  for (const [name, values] of sections(listing)) {
    const path = values.get('path');
    if (path === undefined || !open.delete(path)) {
      if (path !== undefined && usable.has(path)) skipped.push({ submodule: name, why: `another one has its path` });
      continue;
    }
    const url = values.get('url');
    const update = values.get('update');
    const why = problemOf(name, path, url, update);
    if (why !== undefined || url === undefined) skipped.push({ submodule: path, why: why ?? 'it has no address' });
    else if (update === 'none') unwanted.push(path);
    else usable.set(path, { name, path, url, shallow: /^(?:true|yes|on|1)$/i.test(values.get('shallow') ?? '') });
  }
  for (const path of open) skipped.push({ submodule: path, why: '.gitmodules does not name it' });
  return { usable: [...usable.values()], skipped, unwanted };
}

function problemOf(name: string, path: string, url: string | undefined, update: string | undefined) {
  if (name.split(/[/\\]/).includes('..')) return 'its name leads out of its folder';
  if (path.startsWith('-')) return 'its path could be taken for an option';
  if (!url) return 'it has no address';
  if (url.startsWith('-')) return 'its address could be taken for an option';
  if (update?.startsWith('!')) return `it names a command to run ("update = !..."), which git refuses${untilMended}`;
  if (update !== undefined && !updates.has(update)) {
    return `its "update" is not one of ${[...updates].join(', ')}${untilMended}`;
  }
  return undefined;
}

/** `submodule.<name>.<key>\n<value>\0`; a key without a value has no line break. The last value of a key counts. */
function sections(listing: string): Map<string, Map<string, string>> {
  const found = new Map<string, Map<string, string>>();
  for (const entry of listing.split('\0')) {
    const end = entry.indexOf('\n');
    const [, name, key] = /^submodule\.(.+)\.([^.]+)$/s.exec(end === -1 ? entry : entry.slice(0, end)) ?? [];
    if (name === undefined || key === undefined) continue;
    const value = end === -1 ? '' : entry.slice(end + 1);
    const values = found.get(name) ?? new Map<string, string>();
    found.set(name, values.set(key, value));
  }
  return found;
}

/** A .gitmodules with nothing in it but what fetching these needs. */
export function writeModules(modules: readonly Submodule[]): string {
  return modules
    .map(({ name, path, url, shallow }) =>
      [
        `[submodule ${quoted(name)}]`,
        `\tpath = ${quoted(path)}`,
        `\turl = ${quoted(url)}`,
        ...(shallow ? ['\tshallow = true'] : []),
        '',
      ].join('\n'),
    )
    .join('');
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\t', '\\t')}"`;
}
