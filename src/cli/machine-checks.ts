import { randomBytes } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  openSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { CheckItem } from '../channels/channel.ts';
import { AppError, messageOf } from '../errors.ts';
import { folderFault, makeFolder, ownerOf } from '../store/sqlite/folder.ts';
import { wideIn } from '../store/sqlite/modes.ts';

const mib = 1024 * 1024;
const leastFree = { fail: 64 * mib, warn: 1024 * mib };
const leastInodes = 1_000;
const slowFsyncMs = 100;
/** 2026-01-01: this program was not written before. */
const earliest = Date.UTC(2026, 0, 1);
const leastNode = [20, 19] as const;

/** What is asked of the machine itself: Node, clock, and the disk under `data_dir`. */
export function machineChecks(dataDir: string, now: number): CheckItem[] {
  return [nodeCheck(process.versions.node), clockCheck(now), ...diskChecks(dataDir)];
}

/** Is this Node new enough? */
export function nodeCheck(version: string): CheckItem {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor, leastMinor] = leastNode;
  const enough = major > leastMajor || (major === leastMajor && minor >= leastMinor);
  return item(
    'node',
    enough ? 'ok' : 'fail',
    `Node.js ${version}`,
    `install Node.js ${leastMajor}.${leastMinor} or newer`,
  );
}

/** A clock that is years off breaks signatures and orders times wrongly; seconds are measured against each channel. */
export function clockCheck(now: number): CheckItem {
  const detail = new Date(now).toISOString();
  return item('clock', now >= earliest ? 'ok' : 'fail', detail, 'set the clock: timedatectl set-ntp true');
}

function diskChecks(dataDir: string): CheckItem[] {
  try {
    makeFolder(dataDir);
    const files = ['', 'invsync.db', 'engine.lock'].map((name) => join(dataDir, name));
    for (const file of files) if (existsSync(file)) accessSync(file, constants.R_OK | constants.W_OK);
  } catch (error) {
    const { message, hint } = error instanceof AppError ? error : folderFault(dataDir, error);
    return [item('data_dir', 'fail', message, hint)];
  }
  return [
    item('data_dir', 'ok', `${dataDir} is writable and belongs to ${ownerOf(dataDir)}`, ''),
    privacyCheck(dataDir),
    ...spaceChecks(dataDir),
    fsyncCheck(dataDir),
  ];
}

function privacyCheck(dataDir: string): CheckItem {
  const [first, ...more] = wideIn(dataDir);
  if (first === undefined)
    return item('permissions', 'ok', `${dataDir} and what is in it is its owner's alone`, '');
  const rest = more.length === 0 ? '' : `, and ${more.length} more`;
  const detail = `others can reach ${first.path} (mode ${first.mode.toString(8)}${first.left === null ? '' : `; ${first.left}`})${rest}`;
  const remedy = first.left === null ? 'serve closes it when it starts' : 'give invsync a folder of its own';
  return item('permissions', 'warn', detail, `${remedy}, or: chmod go-rwx ${first.path}`);
}

function spaceChecks(dataDir: string): CheckItem[] {
  const { bavail, bsize, ffree, files } = statfsSync(dataDir);
  const free = bavail * bsize;
  const level = free < leastFree.fail ? 'fail' : free < leastFree.warn ? 'warn' : 'ok';
  const checks = [item('disk', level, `${Math.floor(free / mib)} MiB free`, 'free space on this disk')];
  // Some file systems count no inodes.
  if (files > 0)
    checks.push(
      item(
        'inodes',
        ffree < leastInodes ? 'fail' : 'ok',
        `${ffree} free`,
        'remove small files from this disk',
      ),
    );
  return checks;
}

/** Does a write reach the disk, and how fast? Every acknowledged sale costs one of these. */
function fsyncCheck(dataDir: string): CheckItem {
  const path = join(dataDir, `.check-${randomBytes(6).toString('hex')}`);
  try {
    const file = openSync(path, 'wx', 0o600);
    try {
      writeSync(file, 'invsync check\n');
      const beganAt = performance.now();
      fsyncSync(file);
      const ms = performance.now() - beganAt;
      const level = ms > slowFsyncMs ? 'warn' : 'ok';
      return item(
        'fsync',
        level,
        `${ms.toFixed(1)} ms`,
        'use a local disk: network file systems are slow and lose locks',
      );
    } finally {
      closeSync(file);
    }
  } catch (error) {
    return item('fsync', 'fail', messageOf(error), 'use a local disk with free space');
  } finally {
    rmSync(path, { force: true });
  }
}

function item(name: string, level: CheckItem['level'], detail: string, remedy: string): CheckItem {
  return { name, level, detail, remedy: level === 'ok' ? '' : remedy };
}
