/** An image of one of the programs that run beside a session, and whose program is in it. */
export interface ProgramImage {
  readonly image: string;
  /** auto: told by the image's name. */
  readonly program: 'auto' | 'notebook-sessions' | 'renku';
}

/**
 * Whether an image holds this project's program. renku-notebooks' programs refuse variables that they do not know, so
 * they are not sent ours. By name: one part of the image's path, the registry's host left out, is `notebook-sessions`
 * or begins with `notebook-sessions-`.
 */
export function isOwnProgram({ image, program }: ProgramImage): boolean {
  if (program !== 'auto') return program === 'notebook-sessions';
  const path = image.replace(/^[^/]*[.:][^/]*\//, '');
  return /(^|\/)notebook-sessions([/:@-]|$)/.test(path);
}
