import type { HistogramSample, Sample } from './http/metrics.ts';
import { missedAfterMs } from './sync/channel-report.ts';
import type { Engine } from './sync/engine.ts';
import { freshness } from './sync/fresh.ts';
import { ackBoundsMs, type ReceiveCounts } from './sync/inbound/receive.ts';
import { alertsByKind } from './sync/status.ts';

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
  const alerts = await alertsByKind(engine.store, engine.settings.levels);
  const rows = (await engine.store.channels.list()).filter((row) => engine.channels.has(row.id));
  const ofRows = (value: (row: (typeof rows)[number]) => number) =>
    rows.map((row) => ({ labels: { channel: row.name }, value: value(row) }));
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
      'Calls turned away at the door, by channel and reason.',
      counts.refused.map(({ channel, reason, count }) => ({ labels: { channel, reason }, value: count })),
    ),
    counter('delivery_keys_reused_total', 'Known keys that came with another body.', [
      { value: counts.reused },
    ]),
    {
      name: 'ack_seconds',
      help: 'Time from a received delivery to its durable acknowledgement.',
      type: 'histogram',
      boundsMs: ackBoundsMs,
      counts: counts.ack,
      count: counts.ackCount,
      sumMs: counts.ackSumMs,
    },
    gauge('inbox_pending', 'Deliveries with the status new: not yet worked on.', [
      { value: status.inbox.pending },
    ]),
    gauge('inbox_dead', 'Deliveries that need a person.', [{ value: status.inbox.dead }]),
    gauge(
      'outbox_oldest_seconds',
      'Time since the oldest due number was first due, however often its push was put off.',
      [{ value: ageS(status.outbox.oldestDueAt) }],
    ),
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
    gauge(
      'alerts_open',
      'Alerts that stand, by kind.',
      alerts.map(({ kind, level, open }) => ({ labels: { kind, level }, value: open })),
    ),
    gauge('alerts_unseen', 'Alerts that stand and that nobody has acknowledged.', [
      { value: alerts.reduce((sum, { unseen }) => sum + unseen, 0) },
    ]),
    gauge(
      'channel_failing_seconds',
      'For how long a channel has given no good answer; 0 while it does.',
      ofRows((row) => ageS(row.failingSince)),
    ),
    gauge(
      'channel_last_ok_timestamp_seconds',
      'When a call to the channel last succeeded (Unix time); 0: never.',
      ofRows((row) => (row.lastOkAt ?? 0) / 1_000),
    ),
    gauge(
      'reconcile_last_success_timestamp_seconds',
      'When a whole reconcile run last read the channel to the end (Unix time); 0: never.',
      ofRows((row) => (row.reconciledAt ?? 0) / 1_000),
    ),
    gauge(
      'webhook_last_heard_timestamp_seconds',
      'When the last good delivery of the channel came (Unix time); 0: never.',
      ofRows((row) => (row.webhookHeardAt ?? 0) / 1_000),
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
