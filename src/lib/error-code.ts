/** Returns the `code` of an error of Node.js or of a library (`ENOENT`, `UND_ERR_SOCKET`), or undefined if it has none. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Returns the function of the operating system that failed (`connect`, `getaddrinfo`, `queryA`); undefined if it is unknown. */
export function errorSyscall(error: unknown): string | undefined {
  return error instanceof Error && 'syscall' in error && typeof error.syscall === 'string' ? error.syscall : undefined;
}

/** Returns whether `error` has one of these codes. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  const code = errorCode(error);
  return code !== undefined && codes.includes(code);
}
