/**
 * Compares two resource versions: returns a negative number if `a` is older, 0 if they are equal, a positive number if `a`
 * is newer, and undefined if they cannot be compared. They are decimal integers of any length (documented since Kubernetes
 * 1.35, and in use before).
 */
export function compareResourceVersions(a: string, b: string): number | undefined {
  if (a === b) return 0;
  if (!/^[1-9]\d*$/.test(a) || !/^[1-9]\d*$/.test(b)) return undefined;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : 1;
}
