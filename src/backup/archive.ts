import { createHash } from 'node:crypto';
import { closeSync, createWriteStream, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { create, Header, list, type ReadEntry } from 'tar';
import { z } from 'zod';
import { AppError, messageOf } from '../errors.ts';

/**
 * A backup is one plain tar file, which any tar can unpack: the manifest first, then the configuration where there was
 * one, then the database.
 */

/** What the file is called inside the tar. */
export const names = { manifest: 'manifest.json', config: 'config.yaml', database: 'invsync.db' } as const;

const file = z.object({
  name: z.enum([names.config, names.database]),
  size: z.number().int(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

const counts = z.object({
  skus: z.number().int(),
  entries: z.number().int(),
  orders: z.number().int(),
  listings: z.number().int(),
  channels: z.number().int(),
});

const manifest = z.object({
  format: z.literal(1),
  /** ISO 8601. */
  created_at: z.iso.datetime(),
  /** Version of the program. */
  invsync: z.string(),
  schema: z.number().int(),
  /** The newest ledger entry; 0: none. */
  ledger_entry: z.number().int(),
  last_entry_at: z.iso.datetime().nullable(),
  counts,
  /** Keys of the configuration whose secret stood in clear text and is not in the backup. */
  masked: z.array(z.string()),
  files: z.array(file),
});

export type Manifest = z.output<typeof manifest>;
type FileFacts = z.output<typeof file>;

const blockBytes = 512;
const mostManifestBytes = 256 * 1024;

/** Writes the files of `folder` into a tar there, which only its owner may read. */
export async function pack(folder: string, to: string, files: readonly string[]): Promise<void> {
  await create({ file: to, cwd: folder, portable: true, strict: true, mode: 0o600 }, [...files]);
}

/** The manifest alone, without reading the rest. Throws AppError `no_backup` with why it is none. */
export function manifestOf(path: string): Manifest {
  const found = readManifest(path);
  const least = found.files.reduce(
    (sum, { size }) => sum + blockBytes + Math.ceil(size / blockBytes) * blockBytes,
    0,
  );
  if (statSync(path).size < least) throw noBackup(path, 'it is cut short');
  return found;
}

function readManifest(path: string): Manifest {
  const fd = openSync(path, 'r');
  try {
    const head = Buffer.alloc(blockBytes);
    if (readSync(fd, head, 0, blockBytes, 0) < blockBytes) throw noBackup(path, 'it is cut short');
    const { path: name, size = 0, cksumValid } = new Header(head);
    if (!cksumValid || name !== names.manifest || size > mostManifestBytes)
      throw noBackup(path, 'it is no tar file that begins with a manifest');
    const body = Buffer.alloc(size);
    if (readSync(fd, body, 0, size, blockBytes) < size) throw noBackup(path, 'it is cut short');
    return parsed(path, body.toString('utf8'));
  } finally {
    closeSync(fd);
  }
}

function parsed(path: string, text: string): Manifest {
  try {
    return manifest.parse(JSON.parse(text));
  } catch {
    throw noBackup(path, 'its manifest is not one that this invsync knows');
  }
}

function noBackup(path: string, why: string): AppError {
  return new AppError('no_backup', `${path} is no backup: ${why}`, {
    hint: 'invsync backup list shows the backups that can be used',
  });
}

/**
 * Reads the whole tar once, hashes what is in it and, with `into`, unpacks it there. Answers every way in which the
 * files are not those of its manifest. Throws AppError `no_backup` where there is no manifest.
 */
export async function unpack(
  path: string,
  into: string | null,
): Promise<{ manifest: Manifest; faults: string[] }> {
  const expected = manifestOf(path);
  const faults: string[] = [];
  const met = new Map<string, FileFacts['sha256']>();
  const works: Promise<void>[] = [];
  const take = async (entry: ReadEntry): Promise<void> => {
    const known = expected.files.find(({ name }) => name === entry.path);
    if (entry.type !== 'File' || (known === undefined && entry.path !== names.manifest)) {
      faults.push(`it holds ${entry.path}, which does not belong there`);
      entry.resume();
      return;
    }
    const hash = createHash('sha256');
    entry.on('data', (chunk: Buffer) => hash.update(chunk));
    if (into === null || known === undefined) await entry.promise();
    else await pipeline(entry, createWriteStream(join(into, known.name), { mode: 0o600 }));
    met.set(entry.path, hash.digest('hex'));
  };
  try {
    await list({ file: path, strict: true, onReadEntry: (entry) => void works.push(take(entry)) });
    await Promise.all(works);
  } catch (error) {
    // Nobody waits for an entry whose end never comes.
    Promise.all(works).catch(() => undefined);
    faults.push(`it cannot be read to its end: ${messageOf(error)}`);
  }
  for (const { name, sha256 } of expected.files) {
    const found = met.get(name);
    if (found === undefined) faults.push(`${name} is missing`);
    else if (found !== sha256)
      faults.push(`${name} is not what was written: its sha256 is ${found}, not ${sha256}`);
  }
  return { manifest: expected, faults };
}
