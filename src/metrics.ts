import type { HistogramSample, Sample } from './http/metrics.ts';
import type { Engine } from './sync/engine.ts';
import { freshness } from './sync/fresh.ts';
import { ackBoundsMs, type ReceiveCounts } from './sync/receive.ts';
import { missedAfterMs } from './sync/status.ts';

/** Everything that `/metrics` tells, read at the time of the scrape. */
export async function metricsSamples(
  engine: Engine,
  counts: ReceiveCounts,
): Promise<(Sample | HistogramSample)[]> {
  const now = engine.clock.now();
  const status = await engine.store.reports.status(now);
  const missed = await engine.store.orders.missedWebhooks(now, missedAfterMs);
  const feeds = await freshness(engine);
  const ageS = (at: number | null) => (at === null ? 0 : Math.max(0, (now - at) / 1_000));
  const perChannel = (value: (id: number) => number) =>
    [...engine.channels.values()].map((live) => ({ labels: { channel: live.name }, value: value(live.id) }));
  return [
    counter('deliveries_total', 'Authentic deliveries by outcome.', [
      { labels: { outcome: 'accepted' }, value: counts.accepted },
      { labels: { outcome: 'duplicate' }, value: counts.duplicates },
      { labels: { outcome: 'ignored' }, value: counts.ignored },
    ]),
    counter('deliveries_unavailable_total', 'Deliveries answered 503 because nothing could be stored.', [
      { value: counts.unavailable },
    ]),
    counter(
      'deliveries_refused_total',
      'Requests refused at the door, by reason.',
      [...counts.refused].map(([reason, value]) => ({ labels: { reason }, value })),
    ),
    counter('delivery_keys_reused_total', 'Known keys that came with another body.', [
      { value: counts.reused },
    ]),
    {
      name: 'ack_ms',
      help: 'Time from a received delivery to its durable acknowledgement.',
      type: 'histogram',
      boundsMs: ackBoundsMs,
      counts: counts.ack,
      count: counts.ackCount,
      sumMs: counts.ackSumMs,
    },
    gauge('inbox_pending', 'Deliveries not yet processed.', [{ value: status.inbox.pending }]),
    gauge('inbox_dead', 'Deliveries that need a person.', [{ value: status.inbox.dead }]),
    gauge('outbox_oldest_seconds', 'Age of the oldest due push.', [
      { value: ageS(status.outbox.oldestDueAt) },
    ]),
    gauge(
      'outbox_due',
      'Numbers to be pushed.',
      perChannel((id) => status.perChannel.get(id)?.due ?? 0),
    ),
    gauge(
      'missed_webhooks',
      'Orders of the last 24 hours learned by a pull of which no webhook came.',
      perChannel((id) => missed.get(id) ?? 0),
    ),
    gauge(
      'feed_fresh',
      'Is the order feed fresh (1) or stale (0).',
      feeds.map((feed) => ({
        labels: { channel: engine.channels.get(feed.channelId)?.name ?? '' },
        value: feed.stale === null ? 1 : 0,
      })),
    ),
    gauge('oversells_open', 'Order lines on the docket.', [{ value: status.oversellsOpen }]),
    gauge('exposed', 'Numbers that are too high and cannot be lowered.', [{ value: status.exposed }]),
    gauge('unexplained_low', 'Numbers that are too low without a cause.', [{ value: status.unexplainedLow }]),
    gauge('uncounted_skus', 'SKUs without a count.', [{ value: status.uncounted }]),
    gauge('unmapped_sales', 'Order lines that wait for a mapping.', [{ value: status.unmappedSales }]),
  ];
}

type Values = Sample['values'];

function gauge(name: string, help: string, values: Values): Sample {
  return { name, help, type: 'gauge', values };
}

function counter(name: string, help: string, values: Values): Sample {
  return { name, help, type: 'counter', values };
}
