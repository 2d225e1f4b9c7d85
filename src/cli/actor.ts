import { userInfo } from 'node:os';
import type { Command } from 'commander';
import type { Actor } from '../store/store.ts';

/** Options of every command by which a person changes something. */
export interface ActorOptions {
  reason?: string;
  by?: string;
}

/** Adds `--reason` and `--by`. */
export function withActor(command: Command): Command {
  return command
    .option('--reason <text>', 'why, kept with the change (default: by hand)')
    .option('--by <name>', 'who, kept with the change (default: the user of the operating system)');
}

/** Who changes it and why. */
export function actorOf(options: ActorOptions): Actor {
  return { by: options.by || osUser(), reason: options.reason || 'by hand' };
}

function osUser(): string {
  try {
    return userInfo().username || 'unknown';
  } catch {
    // A container may run under a number that has no name.
    return `uid ${process.getuid?.() ?? '?'}`;
  }
}
