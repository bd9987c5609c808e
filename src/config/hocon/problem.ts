/** What is wrong with one line. Never holds a value, nor a word that may be part of one. */
export interface HoconProblem {
  /** From 1. */
  readonly line: number;
  readonly reason: string;
  /** Whose value it is, where that is known. */
  readonly key?: string;
}

/** Ends the reading of one statement. */
export class HoconError extends Error {
  override readonly name = 'HoconError';
  readonly problem: HoconProblem;
  constructor(line: number, reason: string) {
    super(`line ${line}: ${reason}`);
    this.problem = { line, reason };
  }
}

/** Ends the reading of the file: nobody can say what the rest of it belongs to, or it would take for ever. */
export class HoconEnd extends HoconError {}

/** Levels of groups and lists, and parts of a key, in one another. */
export const maxDepth = 100;
