export interface Submodule {
  readonly name: string;
  readonly path: string;
  readonly url: string;
  readonly shallow: boolean;
}

export interface Skipped {
  /** Name or path, as in .gitmodules. */
  readonly submodule: string;
  readonly reason: string;
}

export interface Modules {
  readonly usable: readonly Submodule[];
  readonly skipped: readonly Skipped[];
  /** Paths of submodules with `update = none`. */
  readonly unwanted: readonly string[];
}

/** Appended to errors in .gitmodules, because git reads the whole file, even for `git status`. */
const consequence = '; git commands that read submodules fail until the line is removed';

const updates = new Set(['checkout', 'rebase', 'merge', 'none']);

/**
 * Returns the submodules that can be fetched, and those that are skipped. `listing` is the output of `git config --null --list`
 * for .gitmodules, and `links` are the paths of the commit's submodules. An entry is skipped with a reason if git would fail,
 * because git then fetches none of the submodules. Entries without a path in the commit are ignored, as git does.
 */
export function readModules(listing: string, links: readonly string[]): Modules {
  const usable = new Map<string, Submodule>();
  const skipped: Skipped[] = [];
  const unwanted: string[] = [];
  const open = new Set(links);
  for (const [name, values] of sections(listing)) {
    const path = values.get('path');
    if (path === undefined || !open.delete(path)) {
      if (path !== undefined && usable.has(path))
        skipped.push({ submodule: name, reason: 'another submodule has the same path' });
      continue;
    }
    const url = values.get('url');
    const update = values.get('update');
    const reason = errorOf(name, path, url, update);
    if (reason !== undefined || url === undefined) skipped.push({ submodule: path, reason: reason ?? 'it has no URL' });
    else if (update === 'none') unwanted.push(path);
    else usable.set(path, { name, path, url, shallow: /^(?:true|yes|on|1)$/i.test(values.get('shallow') ?? '') });
  }
  for (const path of open) skipped.push({ submodule: path, reason: '.gitmodules does not list it' });
  return { usable: [...usable.values()], skipped, unwanted };
}

function errorOf(name: string, path: string, url: string | undefined, update: string | undefined) {
  if (name.split(/[/\\]/).includes('..')) return 'its name contains ".."';
  if (path.startsWith('-')) return 'its path looks like an option';
  if (!url) return 'it has no URL';
  if (url.startsWith('-')) return 'its URL looks like an option';
  if (update?.startsWith('!')) return `it names a command to run ("update = !..."), which git rejects${consequence}`;
  if (update !== undefined && !updates.has(update)) {
    return `its "update" is not one of ${[...updates].join(', ')}${consequence}`;
  }
  return undefined;
}

/**
 * Returns the values of each submodule by key. The format is `submodule.<name>.<key>\n<value>\0`, without a line break if a key
 * has no value. The last value of a key is used.
 */
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

/** Returns the content of a .gitmodules with the settings that are needed to fetch these submodules. */
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
