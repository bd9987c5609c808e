/** The image of a program that runs beside a session. */
export interface ProgramImage {
  readonly image: string;
  /** The project that the program comes from; auto: decided by the image's name. */
  readonly program: 'auto' | 'notebook-sessions' | 'renku';
}

/**
 * Returns whether an image contains this project's program, which takes variables that renku-notebooks' programs reject.
 * With `auto`: whether a part of the image's path, without the registry's host, is `notebook-sessions` or begins with
 * `notebook-sessions-`.
 */
export function isOwnProgram({ image, program }: ProgramImage): boolean {
  if (program !== 'auto') return program === 'notebook-sessions';
  const path = image.replace(/^[^/]*[.:][^/]*\//, '');
  return /(^|\/)notebook-sessions([/:@-]|$)/.test(path);
}
