/** The labels of a metric, each with all values that it can have. Another value counts as `other`. */
export type Labels = Readonly<Record<string, readonly string[]>>;

/** One value for each label. */
export type Series<L extends Labels> = { readonly [Name in keyof L]: L[Name][number] };

export interface MetricOptions<L extends Labels> {
  /** Without the prefix `notebook_sessions_`. Ends with the unit, and `_total` for a counter. */
  readonly name: string;
  readonly help: string;
  readonly labels: L;
  /** The series that exist with the value 0 from the start; by default, all combinations of the labels' values. */
  readonly series?: readonly Series<L>[];
}

/** Creates metrics. Passed to the parts of a program like the log, so that no metric exists outside of a program. */
export interface Metrics {
  counter<const L extends Labels>(options: MetricOptions<L>): { increment(series: Series<L>): void };
  /** @param options.buckets upper limits of the buckets, in seconds */
  histogram<const L extends Labels>(
    options: MetricOptions<L> & { readonly buckets: readonly number[] },
  ): { observe(series: Series<L>, seconds: number): void };
  /** @param options.read returns the current values; called when the metrics are read */
  gauge<const L extends Labels>(options: MetricOptions<L> & { read(): Iterable<readonly [Series<L>, number]> }): void;
}

/** Metrics in the text format of Prometheus. */
export interface ReadableMetrics extends Metrics {
  readonly contentType: string;
  text(): Promise<string>;
}

/** Counts nothing: for a program whose metrics are disabled. */
export const noMetrics: Metrics = {
  counter: () => ({ increment: () => undefined }),
  histogram: () => ({ observe: () => undefined }),
  gauge: () => undefined,
};
