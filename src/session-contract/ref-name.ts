/**
 * Returns whether the text is a valid name of a branch or tag (git-check-ref-format) that git cannot interpret as an option
 * (`--all`), an expression (`main~1`, `@{1}`), a range, or a path in a commit.
 */
export function isRefName(text: string): boolean {
  return text !== '' && text.length <= maxLength && text.isWellFormed() && !forbidden.test(text);
}

/** Long enough for an autosave, whose name contains a user name and a branch name (at most 255 characters at a launch). */
const maxLength = 1024;

/** Git stores each part between slashes as a file or folder, so a part has at most 255 bytes. */
const forbidden = /[^/]{256}|[\p{Cc} ~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(?:\/|$)|[./]$|^[-/.]|^@$/u;
