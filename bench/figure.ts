/** One line of the table: the measurement, its baseline and its target. */
export interface Row {
  readonly what: string;
  /** The value with this service, in `unit`. */
  readonly measured: number;
  readonly unit: 'ms' | 's' | 'sessions' | 'requests/s' | 'messages/s' | 'calls' | 'deep' | 'streams' | 'bytes' | 'MiB';
  /** The value without this service, measured in the same run, in the same unit. */
  readonly baseline?: { readonly is: string; readonly measured: number };
  readonly target?: Target;
}

/** `of: ratio` is measured / baseline. */
export type Target =
  | { readonly of: 'value' | 'ratio'; readonly atMost: number }
  | { readonly of: 'value' | 'ratio'; readonly atLeast: number };

export interface Figure {
  readonly name: string;
  readonly about: string;
  /**
   * Reports each row when it is measured; `skip` reports a measurement that is not possible, with the reason. Every wait ends, with an
   * Error that says what it was for.
   */
  run(report: Report, size: Size): Promise<void>;
}

/** How much a figure measures. */
export interface Size {
  readonly rounds: number;
  /** Returns the part of a number of sessions, launches or milliseconds that is measured, at least 1: all of it except in a trial. */
  part(whole: number): number;
}

export interface Report {
  row(row: Row): void;
  skip(what: string, why: string): void;
  /** A line of progress for the terminal. */
  progress(line: string): void;
}

export function ratioOf({ measured, baseline }: Row): number | undefined {
  return baseline === undefined ? undefined : measured / baseline.measured;
}

/** Returns whether the row reaches its target; undefined without a target. */
export function isReached(row: Row): boolean | undefined {
  const { target } = row;
  if (target === undefined) return undefined;
  const value = target.of === 'ratio' ? (ratioOf(row) ?? Number.NaN) : row.measured;
  return 'atMost' in target ? value <= target.atMost : value >= target.atLeast;
}
