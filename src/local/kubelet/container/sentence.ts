/** What went wrong, for the person who looks at a pod's status. */
export function sentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  if (/ENOSPC|no space left on device/i.test(text)) return `No space is left on the disk of the sessions (${text})`;
  if (/EMFILE|too many open files/i.test(text)) return `The machine lets this program open no more files (${text})`;
  return text;
}
