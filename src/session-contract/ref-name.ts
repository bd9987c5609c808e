/**
 * Whether git could have a branch or tag of this name (git-check-ref-format), and nothing else could be meant by it: no
 * option (`--all`), expression (`main~1`, `@{1}`), range or path in a commit.
 */
export function isRefName(text: string): boolean {
  return text !== '' && text.length <= maxLength && text.isWellFormed() && !forbidden.test(text);
}

/** An autosave's name holds another branch's (at most 255 characters at a launch) and a user's. */
const maxLength = 1024;

/** Each part between slashes is the name of a file where git keeps it, and so of at most 255 bytes. */
const forbidden = /[^/]{256}|[\p{Cc} ~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(?:\/|$)|[./]$|^[-/.]|^@$/u;
