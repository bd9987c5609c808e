/** Returns the message of an error for the pod's status, with an explanation of error codes that users can act on. */
export function errorMessage(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  if (/ENOSPC|no space left on device/i.test(text)) return `The disk of the sessions is full (${text})`;
  if (/EMFILE|too many open files/i.test(text)) return `The platform has reached its limit of open files (${text})`;
  return text;
}
