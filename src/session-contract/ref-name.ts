/**
 * Whether git could have a branch or tag of this name (git-check-ref-format), and nothing else could be meant by it: no
 * option (`--all`), expression (`main~1`, `@{1}`), range or path in a commit.
 */
export function isRefName(text: string): boolean {
  return text !== '' && text.length <= maxLength && text.isWellFormed() && !forbidden.test(text);
}

/** An autosave's name holds another branch's (at most 255 characters at a launch) and a user's. */
const maxLength = 1024;

const forbidden = /[\p{Cc} ~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(?:\/|$)|[./]$|^[-/.]|^@$/u;
