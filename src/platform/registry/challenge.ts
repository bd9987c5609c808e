/** One challenge of a WWW-Authenticate header (RFC 9110 11.6.1): its scheme and parameters, names in lower case. */
export interface Challenge {
  scheme: string;
  parameters: Readonly<Record<string, string>>;
}

const token = /[!#$%&'*+.^_`|~\w-]+/y;
const quoted = /"((?:[^"\\]|\\.)*)"/y;
const space = /[ \t]*/y;
const separators = /[ \t,]*/y;

/** Returns the challenges of a header in their order, up to the first one that is not well formed. */
export function parseChallenges(header: string): Challenge[] {
  const found: Challenge[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match) at = pattern.lastIndex;
    return match;
  };
  let parameters: Record<string, string> | undefined;
  for (;;) {
    take(separators);
    const name = take(token)?.[0].toLowerCase();
    if (name === undefined) return found;
    take(space);
    if (header[at] === '=' && parameters) {
      at += 1;
      take(space);
      const value = header[at] === '"' ? take(quoted)?.[1]?.replaceAll(/\\(.)/gs, '$1') : take(token)?.[0];
      if (value === undefined) return found;
      parameters[name] ??= value;
    } else {
      parameters = Object.create(null) as Record<string, string>;
      found.push({ scheme: name, parameters });
    }
  }
}
