import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

/** The house rules of docs/architecture.md, held to the code by reading its import lines and its words. */

const root = join(import.meta.dirname, '..');
const src = join(root, 'src');

function filesUnder(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesUnder(path) : [path];
  });
}

const files = filesUnder(src)
  .filter((path) => path.endsWith('.ts'))
  .map((path) => ({ path: relative(src, path), text: readFileSync(path, 'utf8') }));

/** A file's room: `channels/shopify`, `store/sqlite`, `sync`, or the file's own name at the top. */
function roomOf(path: string): string {
  const parts = path.split('/');
  if (parts.length === 1) return path.replace('.ts', '');
  if (path.startsWith('store/contract/')) return 'store/store';
  if (parts[0] === 'channels' || parts[0] === 'store')
    return parts.length > 2 ? `${parts[0]}/${parts[1]}` : `${parts[0]}/${parts[1]?.replace('.ts', '')}`;
  if (parts[0] === 'sandbox') return parts.length > 2 ? `sandbox/${parts[1]}` : 'sandbox';
  return parts[0] ?? '';
}

function importsOf(file: { path: string; text: string }): string[] {
  const found = [...file.text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(
    (match) => match[1] ?? '',
  );
  return found.map((spec) => relative(src, join(src, file.path, '..', spec)));
}

const edges = files.flatMap((file) =>
  importsOf(file).map((to) => ({ from: file.path, to, room: roomOf(file.path), target: roomOf(to) })),
);
const anyone = ['errors', 'clock', 'log'];
const vendors = readdirSync(join(src, 'channels')).filter(
  (name) => statSync(join(src, 'channels', name)).isDirectory() && name !== 'kit',
);

/** Which rooms a room may import from, besides itself and errors, clock, log. */
const allowed: Record<string, string[]> = {
  main: ['cli'],
  cli: [
    'config',
    'compose',
    'daemon',
    'sync',
    'store/store',
    'store/sqlite',
    'stock',
    'channels/registry',
    'channels/channel',
    'channels/errors',
    'channels/kit',
    'sandbox',
    'sandbox/demo',
  ],
  bench: [
    'config',
    'compose',
    'daemon',
    'sync',
    'http',
    'store/store',
    'store/sqlite',
    'stock',
    'channels/registry',
    'channels/channel',
    'channels/memory',
    'sandbox',
    ...vendors.map((vendor) => `sandbox/${vendor}`),
  ],
  daemon: ['config', 'compose', 'http', 'metrics', 'store/store', 'store/sqlite', 'sync'],
  compose: ['config', 'channels/channel', 'store/store', 'sync'],
  metrics: ['http', 'sync'],
  config: ['channels/channel'],
  http: ['channels/channel', 'channels/kit', 'store/store', 'sync'],
  sync: ['channels/channel', 'channels/errors', 'channels/kit', 'store/store', 'stock'],
  'store/store': ['channels/channel', 'stock'],
  'store/sqlite': ['store/store', 'channels/channel', 'stock'],
  stock: [],
  'channels/channel': ['stock'],
  'channels/errors': [],
  'channels/registry': ['channels/channel', ...vendors.map((vendor) => `channels/${vendor}`)],
  'channels/kit': ['channels/errors', 'channels/channel'],
  sandbox: vendors.map((vendor) => `sandbox/${vendor}`),
  'sandbox/demo': ['sandbox'],
};
for (const vendor of vendors) {
  allowed[`channels/${vendor}`] = ['channels/channel', 'channels/errors', 'channels/kit', 'stock'];
  allowed[`sandbox/${vendor}`] = ['sandbox'];
}

/** The rooms within `sync`, from the ground up: what each may import besides itself and the ground (`sync/*.ts`). */
const syncRooms: Record<string, string[]> = {
  ground: [],
  account: [],
  inbound: ['account'],
  outbound: ['account'],
  reconcile: ['account', 'inbound', 'outbound'],
  duties: ['account', 'inbound', 'outbound', 'reconcile'],
};

function syncRoomOf(path: string): string {
  const parts = path.split('/');
  return parts.length > 2 ? (parts[1] ?? '') : 'ground';
}

describe('who may import whom', () => {
  it('within sync no arrow points up', () => {
    const wrong = edges.filter(({ from, to, room, target }) => {
      if (room !== 'sync' || target !== 'sync') return false;
      const [own, other] = [syncRoomOf(from), syncRoomOf(to)];
      return other !== own && other !== 'ground' && !syncRooms[own]?.includes(other);
    });
    expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  it('every import follows the plan of the house', () => {
    const wrong = edges.filter(
      ({ room, target }) =>
        room !== target && !anyone.includes(target) && !(allowed[room] ?? []).includes(target),
    );
    expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  it('a sandbox shop shares no code with the adapter that it talks to', () => {
    const shared = edges.filter(
      ({ from, to }) => from.startsWith('sandbox/') && /^(channels|sync|store)\//.test(to),
    );
    expect(shared.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  it('outside bench, only the registry names a vendor folder', () => {
    const named = edges.filter(
      ({ room, target }) =>
        vendors.some((vendor) => target === `channels/${vendor}`) &&
        room !== target &&
        room !== 'channels/registry' &&
        room !== 'bench',
    );
    expect(named.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });
});

/** Comments and strings count too: a word is a word. */
function naming(word: RegExp, exempt: (path: string) => boolean): string[] {
  return files
    .filter(({ path }) => !exempt(path))
    .flatMap(({ path, text }) =>
      text
        .split('\n')
        .map((line, index) => ({ line, at: `${path}:${index + 1}` }))
        .filter(({ line }) => word.test(line))
        .map(({ at, line }) => `${at} ${line.trim()}`),
    );
}

describe('absences', () => {
  const known = ['shopify', 'woo', 'amazon', 'ebay', 'tiktok', 'flipkart', 'walmart'].filter(
    (name) => name !== '',
  );

  it('no vendor word outside its folder, its shop, the two registries and the demo', () => {
    const at = naming(
      new RegExp(`\\b(${known.join('|')})`, 'i'),
      (path) =>
        vendors.some(
          (vendor) => path.startsWith(`channels/${vendor}/`) || path.startsWith(`sandbox/${vendor}/`),
        ) ||
        [
          'channels/registry.ts',
          'sandbox/registry.ts',
          'cli/commands/demo.ts',
          'cli/commands/sandbox.ts',
        ].includes(path) ||
        path.startsWith('bench/'),
    );
    expect(at).toEqual([]);
  });

  it('no process.exit outside main', () => {
    expect(naming(/process\.exit\(/, (path) => path === 'main.ts')).toEqual([]);
  });

  it('no process.env outside main and config', () => {
    expect(
      naming(
        /process\.env\b/,
        (path) => path === 'main.ts' || path.startsWith('config/') || path.startsWith('bench/'),
      ),
    ).toEqual([]);
  });

  it('no clock and no chance in stock', () => {
    expect(
      naming(
        /Date\.now|new Date\(\)|Math\.random|randomBytes|performance\.now/,
        (path) => !path.startsWith('stock/'),
      ),
    ).toEqual([]);
  });

  it('nothing awaits inside the store: its operations are synchronous by construction', () => {
    const waiting = (path: string) =>
      !path.startsWith('store/sqlite/') || /\/(index|executor|writer)\.ts$/.test(path);
    expect(naming(/\bawait\b|\basync\b/, waiting)).toEqual([]);
  });

  it('SQL only under store, and in the proof, which reads the books on its own', () => {
    const text = /\b(select .* from|insert into|update \w+ set|delete from)\b/i;
    expect(
      naming(
        text,
        (path) => path.startsWith('store/') || path === 'sandbox/demo/books.ts' || path.startsWith('bench/'),
      ),
    ).toEqual([]);
  });

  it('the receiver changes no stock: of the store it knows the inbox and the alerts', () => {
    const receive = files.filter(
      ({ path }) => path === 'sync/inbound/receive.ts' || path === 'sync/inbound/intake.ts',
    );
    const uses = receive.flatMap(({ text }) =>
      [...text.matchAll(/store\.(\w+)/g)].map((match) => match[1] ?? ''),
    );
    expect(uses.filter((use) => !['inbox', 'duties', 'ts'].includes(use))).toEqual([]);
  });
});

describe('size', () => {
  it('no file of the program over 400 lines (sandbox shops and tables of data aside)', () => {
    const long = files
      .filter(
        ({ path }) =>
          !vendors.some((vendor) => path.startsWith(`sandbox/${vendor}/`)) &&
          path !== 'store/sqlite/schema.ts',
      )
      .filter(({ text }) => text.split('\n').length > 401)
      .map(({ path, text }) => `${path}: ${text.split('\n').length - 1}`);
    expect(long).toEqual([]);
  });

  it('the median file is under 120 lines', () => {
    const lengths = files.map(({ text }) => text.split('\n').length).sort((a, b) => a - b);
    expect(lengths[lengths.length >> 1]).toBeLessThan(120);
  });
});
