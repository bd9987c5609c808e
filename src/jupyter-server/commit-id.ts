/**
 * Returns the full id of a commit in lower case: 40 digits (SHA-1) or 64 (SHA-256). Returns undefined for any other
 * name of a commit.
 */
export function fullCommitId(name: string): string | undefined {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i.test(name) ? name.toLowerCase() : undefined;
}
