import { spawn } from 'node:child_process';
import type { Log } from '../log.ts';

/** What a service manager is told, where one asks for it. */
export interface Supervised {
  ready(): void;
  stopping(): void;
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Tells systemd (Type=notify, NotifyAccess=all) that the daemon is ready, and lives as often as its watchdog asks. Node
 * opens no datagram sockets of the file system, so `systemd-notify` says it, a short-lived child. The word that it lives is
 * given by the loop that serves requests, and only while `broken` is null.
 */
export function supervised(env: Env, world: { log: Log; broken(): boolean }): Supervised {
  if (!env['NOTIFY_SOCKET']) return { ready: () => undefined, stopping: () => undefined };
  const { PATH, NOTIFY_SOCKET } = env;
  const say = (...words: string[]): void => {
    const child = spawn('systemd-notify', words, { stdio: 'ignore', env: { PATH, NOTIFY_SOCKET } });
    child.on('error', (error) =>
      world.log.warn(
        { error: error.message },
        'systemd is told nothing, systemd-notify is missing: install it, or set Type=exec and no WatchdogSec',
      ),
    );
  };
  const beatMs = beatOf(env);
  const beat = (): void => {
    if (!world.broken()) say('WATCHDOG=1');
  };
  const timer = beatMs === null ? null : setInterval(beat, beatMs);
  timer?.unref();
  return {
    ready: () => say('--ready', '--status=serving'),
    stopping: () => {
      // The watchdog goes on: a drain that hangs is ended too.
      say('STOPPING=1');
    },
  };
}

/** A third of what the watchdog allows: one word may get lost. */
function beatOf(env: Env): number | null {
  const allowedMs = Number(env['WATCHDOG_USEC']) / 1_000;
  return Number.isFinite(allowedMs) && allowedMs >= 3 ? Math.floor(allowedMs / 3) : null;
}
