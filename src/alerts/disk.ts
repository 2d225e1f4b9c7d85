import { statfs } from 'node:fs/promises';
import { closeAlert, openAlert } from '../sync/alerts.ts';
import type { Duty, Engine } from '../sync/engine.ts';
import { createLoop } from '../sync/loop.ts';

const restMs = 60_000;
const gib = 1024 ** 3;

/** Room on a disk, in bytes. */
export interface Room {
  free: number;
  total: number;
}

/** Less than 1 GiB, or less than a twentieth of a disk as long as that is below 5 GiB. */
export function isNarrow({ free, total }: Room): boolean {
  return free < gib || (free < total / 20 && free < 5 * gib);
}

/** Asks the file system that holds a folder. */
export async function roomIn(folder: string): Promise<Room> {
  const { bsize, bavail, blocks } = await statfs(folder);
  return { free: bsize * bavail, total: bsize * blocks };
}

/** Watches the disk of the books: a full one takes no sales. It must be a fifth above the limit to count as mended. */
export function createDiskWatch(
  engine: Engine,
  folder: string,
  look: (folder: string) => Promise<Room> = roomIn,
): Duty {
  return createLoop(engine, 'disk watch', async () => {
    const room = await look(folder);
    if (isNarrow(room)) {
      const message = `only ${sizeText(room.free)} are free where the books lie (${folder}); a full disk takes no sales: make room, or move data_dir`;
      await openAlert(engine, { channelId: null, kind: 'disk', subject: folder, message });
    } else if (!isNarrow({ ...room, free: room.free / 1.2 })) await closeAlert(engine, 'disk', folder);
    return restMs;
  });
}

function sizeText(bytes: number): string {
  return bytes >= gib ? `${(bytes / gib).toFixed(1)} GiB` : `${Math.floor(bytes / 1024 ** 2)} MiB`;
}
