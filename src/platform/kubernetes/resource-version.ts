/**
 * Which of two resource versions is newer: negative, 0 or positive, as for sort. undefined when they cannot be compared.
 * They are decimal integers of any length (a promise since Kubernetes 1.35, true in fact since ever).
 */
export function compareResourceVersions(a: string, b: string): number | undefined {
  if (a === b) return 0;
  if (!/^[1-9]\d*$/.test(a) || !/^[1-9]\d*$/.test(b)) return undefined;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : 1;
}
