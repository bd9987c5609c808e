export interface Signature {
  readonly name: string;
  readonly email: string;
  /** ISO date with the author's own offset from UTC. */
  readonly date: string;
}

export interface Commit {
  readonly sha: string;
  readonly parents: readonly string[];
  readonly author: Signature;
  readonly committer: Signature;
  readonly title: string;
  readonly message: string;
}

const maxTitleLength = 255;

/** Reads a commit object as git stores it, or its beginning: header lines, an empty line, the message. */
export function parseCommit(sha: string, content: Buffer): Commit {
  const text = decode(content);
  const separator = text.indexOf('\n\n');
  const header = separator === -1 ? text : text.slice(0, separator);
  const message = separator === -1 ? '' : text.slice(separator + 2);
  const parents: string[] = [];
  let author = '';
  let committer = '';
  for (const line of header.split('\n')) {
    if (line.startsWith('parent ')) parents.push(line.slice('parent '.length));
    else if (line.startsWith('author ')) author = line.slice('author '.length);
    else if (line.startsWith('committer ')) committer = line.slice('committer '.length);
  }
  return {
    sha,
    parents,
    author: parseSignature(author),
    committer: parseSignature(committer),
    title: (message.split('\n', 1)[0] ?? '').slice(0, maxTitleLength).toWellFormed(),
    message,
  };
}

/** UTF-8, or what the commit names as its encoding. Text that is neither is taken for Windows-1252, which every byte is. */
function decode(content: Buffer): string {
  const named = /^encoding ([-\w]{1,40})$/m.exec(content.toString('latin1', 0, content.indexOf('\n\n')))?.[1];
  for (const encoding of [...(named === undefined ? [] : [named]), 'utf-8']) {
    try {
      // `stream`: the end may be cut in the middle of a character.
      const text = new TextDecoder(encoding, { fatal: true }).decode(content, { stream: true });
      // Not so with UTF-16, which git has no use for but which can be named.
      if (text.startsWith('tree ')) return text;
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    }
  }
  return new TextDecoder('windows-1252').decode(content);
}

/** `Name <email> 1736154000 +0100` */
function parseSignature(text: string): Signature {
  const match = /^(.*?) ?<(.*)> ?([^>]*)$/.exec(text);
  return { name: match?.[1] ?? '', email: match?.[2] ?? '', date: withOffset(match?.[3] ?? '') };
}

const noDate = new Date(0).toISOString();

/**
 * git's raw date (seconds and offset) as GitLab writes it: `2025-01-06T10:00:00.000+01:00`. A commit can hold any two
 * numbers. Seconds before 1970 are written as git 2.39 writes them, beyond 2^63. What would be no date of RFC 3339 (an
 * offset that no clock has, a year of five digits) counts as none.
 */
export function withOffset(raw: string): string {
  const [, digits, sign = '+', hours = '00', minutes = '00'] =
    /^(-?\d{1,20}) (?:([+-])([01]\d|2[0-3])([0-5]\d)|[+-]\d+)$/.exec(raw) ?? [];
  if (digits === undefined) return noDate;
  const seconds = Number(BigInt.asIntN(64, BigInt(digits)));
  const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
  const local = new Date((seconds + offset * 60) * 1000);
  const year = local.getUTCFullYear();
  if (!(year >= 1 && year <= 9998)) return noDate;
  return local.toISOString().replace('Z', `${sign}${hours}:${minutes}`);
}
