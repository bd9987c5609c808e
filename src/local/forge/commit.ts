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

/** Parses a commit object, or the beginning of one: header lines, an empty line, the message. */
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

/** Decodes UTF-8 or the encoding that the commit names; otherwise Windows-1252, in which every byte is valid. */
function decode(content: Buffer): string {
  const named = /^encoding ([-\w]{1,40})$/m.exec(content.toString('latin1', 0, content.indexOf('\n\n')))?.[1];
  for (const encoding of [...(named === undefined ? [] : [named]), 'utf-8']) {
    try {
      // `stream`: the content may end in the middle of a character.
      const text = new TextDecoder(encoding, { fatal: true }).decode(content, { stream: true });
      // False for UTF-16. A commit can name this encoding, although git does not support it.
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
 * Converts git's raw date (seconds and offset) to GitLab's format: `2025-01-06T10:00:00.000+01:00`. A commit can contain any
 * two numbers. git 2.39 writes seconds before 1970 as numbers above 2^63. Returns 1970 for a date that RFC 3339 cannot
 * express (an offset above 24 hours, a year of five digits).
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
