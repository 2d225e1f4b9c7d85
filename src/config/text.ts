/** A host and a port to listen on; port 0 takes any free one. */
export interface ListenAddress {
  /** Without brackets: `127.0.0.1`, `::1`, `localhost`. */
  host: string;
  port: number;
}

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Milliseconds of `500ms`, `60s`, `10m`, `24h`, `30d`, `2w`, or null when it is none of these. */
export function parseDuration(text: string): number | null {
  const found = /^(\d{1,9})(ms|s|m|h|d|w)$/.exec(text.trim());
  const unit = unitMs[found?.[2] ?? ''];
  const value = Number(found?.[1]) * (unit ?? Number.NaN);
  return Number.isSafeInteger(value) ? value : null;
}

/** The shortest way to write a duration: `24h` is `1d`. */
export function durationText(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's']) {
    const size = unitMs[unit] ?? 1;
    if (ms > 0 && ms % size === 0) return `${ms / size}${unit}`;
  }
  return ms === 0 ? '0s' : `${ms}ms`;
}

/** `20%` of 0.2, free of binary dust. */
export function percentText(fraction: number): string {
  return `${Number((fraction * 100).toFixed(6))}%`;
}

/** `[::1]:8788` */
export function listenText(address: ListenAddress): string {
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}

/** Is the host this machine and nobody else's? */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  return bare === 'localhost' || bare === '::1' || /^127(\.\d{1,3}){3}$/.test(bare);
}
