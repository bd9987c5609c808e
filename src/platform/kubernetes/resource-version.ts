/**
 * Returns a negative number if the resource version `a` is older than `b`, 0 if both are equal, a positive number if `a` is
 * newer, and undefined if the versions cannot be compared. Resource versions are decimal integers of any length. (Kubernetes
 * documents this since version 1.35; earlier versions use decimal integers, too.)
 */
export function compareResourceVersions(a: string, b: string): number | undefined {
  if (a === b) return 0;
  if (!/^[1-9]\d*$/.test(a) || !/^[1-9]\d*$/.test(b)) return undefined;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : 1;
}
