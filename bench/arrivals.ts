/** Milliseconds of `clock`, by the number of the change. */
export type Arrivals = Record<number, number>;

/** What the figure `events` asks of `event-reader.ts`. */
export type Task =
  | { readonly open: { readonly url: string; readonly headers: Record<string, string>; readonly warmUp: number } }
  | { readonly close: { readonly changes: readonly number[] } };

export type Answer = 'opened' | { readonly stream: Arrivals; readonly watch: Arrivals };

/** Returns the milliseconds of a clock that all processes of the machine share. */
export const clock = (): number => Number(process.hrtime.bigint()) / 1e6;
