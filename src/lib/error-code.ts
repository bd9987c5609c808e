/** Returns whether `error` is an error of the system or of Node.js with one of these codes, for example `ENOENT`. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.some((code) => code === error.code);
}
