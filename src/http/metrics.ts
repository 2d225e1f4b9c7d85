import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** One metric at the time of the scrape. Names without the `invsync_` prefix; counters end in `_total`. */
export interface Sample {
  name: string;
  help: string;
  type: 'gauge' | 'counter';
  values: { labels?: Record<string, string>; value: number }[];
}

/** A histogram kept elsewhere: `counts[i]` observations were at most `boundsMs[i]`. */
export interface HistogramSample {
  name: string;
  help: string;
  type: 'histogram';
  boundsMs: readonly number[];
  counts: readonly number[];
  count: number;
  sumMs: number;
}

/** The metrics page. */
export interface Metrics {
  contentType: string;
  /** Prometheus text of the process and of what `snapshot` tells now. */
  text(): Promise<string>;
}

/** Nothing is counted twice: every scrape asks `snapshot` and forgets. */
export function createMetrics(snapshot: () => Promise<(Sample | HistogramSample)[]>): Metrics {
  const own = new Registry();
  collectDefaultMetrics({ register: own });
  return {
    contentType: own.contentType,
    async text() {
      const fresh = new Registry();
      const histograms: string[] = [];
      for (const sample of await snapshot()) {
        if (sample.type === 'histogram') histograms.push(histogramText(sample));
        else register(fresh, sample);
      }
      return [await own.metrics(), await fresh.metrics(), ...histograms].join('\n');
    },
  };
}

function register(registry: Registry, sample: Sample): void {
  const labelNames = [...new Set(sample.values.flatMap((each) => Object.keys(each.labels ?? {})))];
  const options = {
    name: `invsync_${sample.name}`,
    help: sample.help,
    labelNames,
    registers: [registry],
  };
  if (sample.type === 'gauge') {
    const gauge = new Gauge(options);
    for (const { labels, value } of sample.values) gauge.set(labels ?? {}, value);
    return;
  }
  const counter = new Counter(options);
  for (const { labels, value } of sample.values) counter.inc(labels ?? {}, value);
}

/** prom-client cannot be handed finished buckets; in seconds, as Prometheus wants durations. */
function histogramText(sample: HistogramSample): string {
  const name = `invsync_${sample.name}`;
  const lines = [`# HELP ${name} ${sample.help}`, `# TYPE ${name} histogram`];
  for (const [index, boundMs] of sample.boundsMs.entries()) {
    lines.push(`${name}_bucket{le="${boundMs / 1_000}"} ${sample.counts[index] ?? 0}`);
  }
  lines.push(`${name}_bucket{le="+Inf"} ${sample.count}`);
  lines.push(`${name}_sum ${sample.sumMs / 1_000}`, `${name}_count ${sample.count}`, '');
  return lines.join('\n');
}
