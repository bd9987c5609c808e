/**
 * Returns whether git accepts the text as the name of a branch or tag (git-check-ref-format), and can read it as nothing
 * else: not as an option (`--all`), an expression (`main~1`, `@{1}`), a range, or a path in a commit.
 */
export function isRefName(text: string): boolean {
  return text !== '' && text.length <= maxLength && text.isWellFormed() && !forbidden.test(text);
}

/** Long enough for an autosave, whose name contains a user's and a branch's (at most 255 characters at a launch). */
const maxLength = 1024;

/** Git stores each part between slashes as a file, so a part has at most 255 bytes. */
const forbidden = /[^/]{256}|[\p{Cc} ~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(?:\/|$)|[./]$|^[-/.]|^@$/u;
