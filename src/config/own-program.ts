/** The image of a program that runs in a session's pod. */
export interface ProgramImage {
  readonly image: string;
  /** The project that publishes the program; auto: determined from the image's name. */
  readonly program: 'auto' | 'notebook-sessions' | 'renku';
}

/**
 * Returns true if an image contains this project's program, which accepts variables that renku-notebooks' programs reject.
 * With `auto`: true if a part of the image's path, without the registry's host, is `notebook-sessions` or begins with
 * `notebook-sessions-`.
 */
export function isOwnProgram({ image, program }: ProgramImage): boolean {
  if (program !== 'auto') return program === 'notebook-sessions';
  const path = image.replace(/^[^/]*[.:][^/]*\//, '');
  return /(^|\/)notebook-sessions([/:@-]|$)/.test(path);
}
