import { z } from 'zod';
import type { Config } from '../config/config.ts';
import { type ListenAddress, listenText } from '../config/text.ts';

/** Where this machine reaches the admin listener. */
export function adminUrl({ host, port }: ListenAddress): string {
  const near = ['0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host;
  return `http://${listenText({ host: near, port })}`;
}

const told = z.object({ daemon: z.object({ since: z.string(), version: z.string() }) });
const patienceMs = 500;

/** Since when a daemon runs and which version it is, from its admin listener; null where it does not say. */
export async function askDaemon({
  listen,
  token,
}: Config['admin']): Promise<{ since: string | null; version: string | null }> {
  const silent = { since: null, version: null };
  if (listen.port === 0) return silent;
  try {
    const response = await fetch(`${adminUrl(listen)}/api/v1/status`, {
      signal: AbortSignal.timeout(patienceMs),
      redirect: 'error',
      headers: token === null ? {} : { authorization: `Bearer ${token}` },
    });
    return told.parse(await response.json()).daemon;
  } catch {
    return silent;
  }
}
