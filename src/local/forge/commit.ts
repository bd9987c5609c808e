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

/** Reads a commit object as git stores it: header lines, an empty line, the message. */
export function parseCommit(sha: string, content: string): Commit {
  const separator = content.indexOf('\n\n');
  const header = separator === -1 ? content : content.slice(0, separator);
  const message = separator === -1 ? '' : content.slice(separator + 2);
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
    title: message.split('\n', 1)[0] ?? '',
    message,
  };
}

/** `Name <email> 1736154000 +0100` */
function parseSignature(text: string): Signature {
  const match = /^(.*?) ?<([^>]*)> ?(.*)$/.exec(text);
  return { name: match?.[1] ?? '', email: match?.[2] ?? '', date: withOffset(match?.[3] ?? '') };
}

/**
 * git's raw date (seconds and offset) as GitLab writes it: `2025-01-06T10:00:00.000+01:00`. Whoever makes a commit writes
 * any offset into it; one that no clock can have would make the text no date, so it counts as none.
 */
export function withOffset(raw: string): string {
  const [, seconds, sign = '+', hours = '00', minutes = '00'] =
    /^(\d{1,12}) (?:([+-])([01]\d|2[0-3])([0-5]\d)|[+-]\d+)$/.exec(raw) ?? [];
  if (seconds === undefined) return new Date(0).toISOString();
  const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
  const local = new Date((Number(seconds) + offset * 60) * 1000);
  return local.toISOString().replace('Z', `${sign}${hours}:${minutes}`);
}
