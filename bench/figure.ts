/** One line of the table: what was measured, against what, and what is to be reached. */
export interface Row {
  readonly what: string;
  /** Of ours, in `unit`. */
  readonly measured: number;
  readonly unit: 'ms' | 's' | 'requests/s' | 'calls' | 'deep' | 'streams' | 'bytes';
  /** The same thing without this service, measured in the same run and in the same unit. */
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
  /** Reports each row when it is known; `skip` says loudly what could not be measured, and why. */
  run(report: Report, rounds: number): Promise<void>;
}

export interface Report {
  row(row: Row): void;
  skip(what: string, why: string): void;
  /** What the person at the terminal sees while they wait. */
  progress(line: string): void;
}

export function ratioOf({ measured, baseline }: Row): number | undefined {
  return baseline === undefined ? undefined : measured / baseline.measured;
}

/** undefined: nothing is to be reached. */
export function isReached(row: Row): boolean | undefined {
  const { target } = row;
  if (target === undefined) return undefined;
  const value = target.of === 'ratio' ? (ratioOf(row) ?? Number.NaN) : row.measured;
  return 'atMost' in target ? value <= target.atMost : value >= target.atLeast;
}
