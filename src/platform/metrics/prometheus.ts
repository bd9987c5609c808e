import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Labels, MetricOptions, ReadableMetrics, Series } from './types.ts';

const prefix = 'notebook_sessions_';
/** The value of a label for every value that the label does not list. */
const otherValue = 'other';

/**
 * Returns the metrics of one program, with those of its process (processor time, memory, event loop, garbage collection).
 * The number of series is limited by the values that each label lists, whatever callers send.
 */
export function createMetrics(): ReadableMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });

  const common = <L extends Labels>({ name, help, labels }: MetricOptions<L>) => ({
    name: prefix + name,
    help,
    labelNames: Object.keys(labels),
    registers: [registry],
  });

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),

    counter(options) {
      const counter = new Counter(common(options));
      for (const series of initialSeries(options)) counter.inc(series, 0);
      const bound = createBound(options.labels);
      return { increment: (series) => counter.inc(bound(series)) };
    },

    histogram(options) {
      const histogram = new Histogram({ ...common(options), buckets: [...options.buckets] });
      for (const series of initialSeries(options)) histogram.zero(series);
      const bound = createBound(options.labels);
      return { observe: (series, seconds) => histogram.observe(bound(series), seconds) };
    },

    gauge(options) {
      const bound = createBound(options.labels);
      new Gauge({
        ...common(options),
        collect() {
          this.reset();
          for (const series of initialSeries(options)) this.set(series, 0);
          for (const [series, value] of options.read()) this.inc(bound(series), value);
        },
      });
    },
  };
}

function initialSeries<L extends Labels>({ labels, series }: MetricOptions<L>): readonly Record<string, string>[] {
  if (series) return series;
  return Object.entries(labels).reduce<Record<string, string>[]>(
    (all, [name, values]) => all.flatMap((each) => values.map((value) => ({ ...each, [name]: value }))),
    [{}],
  );
}

/** Returns a function that replaces values which the labels do not list. */
function createBound<L extends Labels>(labels: L): (series: Series<L>) => Record<string, string> {
  const known = Object.entries(labels).map(([name, values]) => [name, new Set(values)] as const);
  return (series) => {
    const bounded: Record<string, string> = {};
    for (const [name, values] of known) {
      const value = series[name];
      bounded[name] = value !== undefined && values.has(value) ? value : otherValue;
    }
    return bounded;
  };
}
