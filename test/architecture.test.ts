import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

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
    'backup',
    'config',
    'page',
    'alerts',
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
    'sandbox/kit',
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
    'sandbox/kit',
    ...vendors.map((vendor) => `sandbox/${vendor}`),
  ],
  backup: ['channels/channel', 'config', 'store/store', 'store/sqlite', 'sync'],
  daemon: [
    'backup',
    'config',
    'crew',
    'compose',
    'http',
    'metrics',
    'page',
    'store/store',
    'store/sqlite',
    'sync',
  ],
  alerts: ['config', 'channels/kit', 'store/store', 'sync'],
  crew: ['alerts', 'config', 'compose', 'backup', 'store/store', 'sync'],
  compose: ['config', 'channels/channel', 'store/store', 'sync'],
  metrics: ['http', 'sync'],
  config: ['channels/channel', 'store/store'],
  page: ['http', 'store/store', 'sync'],
  http: ['channels/channel', 'channels/kit', 'store/store', 'sync'],
  sync: ['channels/channel', 'channels/errors', 'channels/kit', 'store/store', 'stock'],
  'store/store': ['channels/channel', 'stock'],
  'store/sqlite': ['store/store', 'channels/channel', 'stock'],
  stock: [],
  'channels/channel': ['stock'],
  'channels/errors': [],
  'channels/registry': ['channels/channel', ...vendors.map((vendor) => `channels/${vendor}`)],
  'channels/kit': ['channels/errors', 'channels/channel'],
  sandbox: ['sandbox/kit', ...vendors.map((vendor) => `sandbox/${vendor}`)],
  'sandbox/kit': ['sandbox'],
  'sandbox/demo': ['sandbox', 'sandbox/kit'],
};
for (const vendor of vendors) {
  allowed[`channels/${vendor}`] = ['channels/channel', 'channels/errors', 'channels/kit', 'stock'];
  allowed[`sandbox/${vendor}`] = ['sandbox', 'sandbox/kit'];
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
  test('within sync no arrow points up', () => {
    const wrong = edges.filter(({ from, to, room, target }) => {
      if (room !== 'sync' || target !== 'sync') return false;
      const [own, other] = [syncRoomOf(from), syncRoomOf(to)];
      return other !== own && other !== 'ground' && !syncRooms[own]?.includes(other);
    });
    expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  test('every import follows the plan of the house', () => {
    const wrong = edges.filter(
      ({ room, target }) =>
        room !== target && !anyone.includes(target) && !(allowed[room] ?? []).includes(target),
    );
    expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  test('a sandbox shop shares no code with the adapter that it talks to', () => {
    const shared = edges.filter(
      ({ from, to }) => from.startsWith('sandbox/') && /^(channels|sync|store)\//.test(to),
    );
    expect(shared.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  test('outside bench, only the registry names a vendor folder', () => {
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

/** Files that import each other, type imports included: strongly connected ones (Tarjan), each sorted. */
function circlesIn(arrows: readonly { from: string; to: string }[]): string[][] {
  const targets = new Map<string, string[]>();
  for (const { from, to } of arrows) targets.set(from, [...(targets.get(from) ?? []), to]);
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const circles: string[][] = [];
  const visit = (file: string): void => {
    order.set(file, order.size);
    lowest.set(file, order.size - 1);
    open.push(file);
    const lower = (to: number) => lowest.set(file, Math.min(lowest.get(file) ?? 0, to));
    for (const to of targets.get(file) ?? []) {
      if (!order.has(to)) {
        visit(to);
        lower(lowest.get(to) ?? 0);
      } else if (open.includes(to)) lower(order.get(to) ?? 0);
    }
    if (lowest.get(file) !== order.get(file)) return;
    const circle = open.splice(open.indexOf(file));
    if (circle.length > 1) circles.push(circle.sort());
  };
  for (const file of targets.keys()) if (!order.has(file)) visit(file);
  return circles;
}

describe('circles', () => {
  test('are found by this test', () => {
    const arrows = [
      { from: 'a', to: 'b' },
      { from: 'b', to: 'c' },
      { from: 'c', to: 'b' },
      { from: 'c', to: 'd' },
    ];
    expect(circlesIn(arrows)).toEqual([['b', 'c']]);
  });

  test('no file imports itself by way of others, not even for a type', () => {
    expect(circlesIn(edges).map((circle) => circle.join(' <-> '))).toEqual([]);
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

  test('no vendor word outside its folder, its shop, the two registries and the demo', () => {
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

  test('no process.exit outside main', () => {
    expect(naming(/process\.exit\(/, (path) => path === 'main.ts')).toEqual([]);
  });

  test('no process.env outside main and config', () => {
    expect(
      naming(
        /process\.env\b/,
        (path) => path === 'main.ts' || path.startsWith('config/') || path.startsWith('bench/'),
      ),
    ).toEqual([]);
  });

  test('no clock and no chance in stock', () => {
    expect(
      naming(
        /Date\.now|new Date\(\)|Math\.random|randomBytes|performance\.now/,
        (path) => !path.startsWith('stock/'),
      ),
    ).toEqual([]);
  });

  test('nothing awaits inside the store: its operations are synchronous by construction', () => {
    const waiting = (path: string) =>
      !path.startsWith('store/sqlite/') || /\/(index|executor|writer|copy)\.ts$/.test(path);
    expect(naming(/\bawait\b|\basync\b/, waiting)).toEqual([]);
  });

  test('SQL only under store, and in the proof, which reads the books on its own', () => {
    const text = /\b(select .* from|insert into|update \w+ set|delete from)\b/i;
    expect(
      naming(
        text,
        (path) => path.startsWith('store/') || path === 'sandbox/demo/books.ts' || path.startsWith('bench/'),
      ),
    ).toEqual([]);
  });

  test('the receiver changes no stock: of the store it knows the inbox and the alerts', () => {
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
  test('no file of the program over 400 lines (sandbox shops and tables of data aside)', () => {
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

  /** Longer ones that are left (that of the metrics is a table of data); the list only gets shorter. */
  const longFunctions = new Set<string>(['metrics.ts: metricsSamples']);

  test('no function over 70 lines outside of tables of data', () => {
    const long = files.flatMap(({ path, text }) => {
      const lines = text.split('\n');
      return lines.flatMap((line, at) => {
        const found =
          /^(\s*)(?:export )?(?:async )?(?:function\*? (\w+)|const (\w+)[^=]*= (?:async )?(?:<.*>)?\(.*=> \{$)/.exec(
            line,
          );
        if (found === null) return [];
        const [, indent = '', named, held] = found;
        const length = lines.slice(at).findIndex((each) => each.startsWith(`${indent}}`)) + 1;
        return length > 70 ? [`${path}: ${named ?? held}`] : [];
      });
    });
    expect(long.sort()).toEqual([...longFunctions].sort());
  });

  /** Lines of an adapter and of its sandbox shop, and what is over them still; these numbers only get smaller. */
  const budget = { adapter: 2_600, shop: 4_500 };
  const over: Record<string, { adapter?: number; shop?: number }> = {
    shopify: { shop: 4_863 },
  };

  test('a hand-written adapter and its shop keep to their budgets', () => {
    const lines = (folder: string) =>
      files
        .filter(({ path }) => path.startsWith(folder))
        .reduce((sum, { text }) => sum + text.split('\n').length - 1, 0);
    const wrong = vendors
      .filter((vendor) => vendor !== 'memory')
      .flatMap((vendor) => {
        const allowedLines = { ...budget, ...over[vendor] };
        const has = { adapter: lines(`channels/${vendor}/`), shop: lines(`sandbox/${vendor}/`) };
        return (['adapter', 'shop'] as const)
          .filter((what) => has[what] > allowedLines[what])
          .map((what) => `${what} of ${vendor}: ${has[what]} lines, ${allowedLines[what]} allowed`);
      });
    expect(wrong).toEqual([]);
  });

  test('the median file is under 120 lines', () => {
    const lengths = files.map(({ text }) => text.split('\n').length).sort((a, b) => a - b);
    expect(lengths[lengths.length >> 1]).toBeLessThan(120);
  });
});
