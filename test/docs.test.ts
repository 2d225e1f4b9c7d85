import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { channelTypes, definitions } from '../src/channels/registry.ts';
import { channelTable } from '../src/cli/channel-table.ts';

/** The last table of each channel page names every trap of its facts; the tests that it quotes exist. */

const root = join(import.meta.dirname, '..');
const shared = process.env['INVSYNC_SHARED'] ?? join(root, '..', 'shared');

function read(folder: string): string {
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .map((path) =>
      statSync(path).isDirectory() ? read(path) : path.endsWith('.ts') ? readFileSync(path, 'utf8') : '',
    )
    .join('\n');
}

const tests = read(join(root, 'test'));
/** `prefix`: of the ids of its facts. `section`: of them, that of the traps. */
const pages = [
  { channel: 'shopify', prefix: 'SHP', section: 9, traps: 20 },
  { channel: 'woocommerce', prefix: 'WOO', section: 9, traps: 25 },
  { channel: 'amazon', prefix: 'AMZ', section: 9, traps: 24 },
  { channel: 'ebay', prefix: 'EBAY', section: 9, traps: 30 },
  { channel: 'tiktok-shop', prefix: 'TTS', section: 7, traps: 15 },
  { channel: 'flipkart', prefix: 'FK', section: 7, traps: 20 },
];

describe.each(pages)('docs/channels/$channel.md', ({ channel, prefix, section, traps }) => {
  const page = readFileSync(join(root, 'docs', 'channels', `${channel}.md`), 'utf8');
  const rows = [...page.matchAll(/^\| ([A-Z]+-(?:[79]\.\d+|O\.\d+)) \|(.+)\|(.+)\|$/gm)].map((match) => ({
    id: match[1] ?? '',
    handled: match[2] ?? '',
    test: match[3] ?? '',
  }));

  test('has a row for each of the traps', () => {
    const ids = rows.map((row) => row.id).filter((id) => id.startsWith(`${prefix}-${section}.`));
    expect(ids).toEqual(Array.from({ length: traps }, (_, index) => `${prefix}-${section}.${index + 1}`));
  });

  test('every row quotes tests that exist, or says why it is not handled', () => {
    const missing = rows.flatMap((row) => {
      const titles = [...row.test.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
      if (titles.length === 0)
        return row.test.trim().length > 15 ? [] : [`${row.id}: neither a test nor a reason`];
      return titles
        .filter((title) => !tests.includes(title))
        .map((title) => `${row.id}: no test is called "${title}"`);
    });
    expect(missing).toEqual([]);
  });

  test.skipIf(!existsSync(shared))('knows as many traps as the reference (needs the shared material)', () => {
    const reference = readFileSync(join(shared, 'reference', 'channels', `${channel}.md`), 'utf8');
    const list = reference.slice(
      reference.indexOf(`## ${section}. Traps`),
      reference.indexOf(`## ${section + 1}.`),
    );
    const numbers = [...list.matchAll(/(?:^|\s)(\d{1,2})\. /g)].map((match) => Number(match[1]));
    expect(Math.max(...numbers)).toBe(traps);
  });
});

describe('README.md', () => {
  test('shows the table of channels as they declare themselves; npm run readme writes it', async () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const shown = /<!-- channels[^>]*-->\n([\s\S]*?)\n<!-- \/channels -->/.exec(readme)?.[1];
    expect(shown).toBe(channelTable(await definitions(channelTypes)));
  });
});

describe('docs/contributing.md', () => {
  test('tells for every channel what it takes in lines; npm run channel-lines writes it', () => {
    const page = readFileSync(join(root, 'docs', 'contributing.md'), 'utf8');
    for (const { channel } of pages)
      expect(page).toMatch(new RegExp(`^\\| ${channel} (\\| [1-9][\\d,]* ){4}\\|$`, 'm'));
  });

  const inGit = existsSync(join(root, '.git'));
  test.skipIf(!inGit)(
    'counts the files that a channel reaches outside its own places (needs the repository)',
    () => {
      const page = readFileSync(join(root, 'docs', 'contributing.md'), 'utf8');
      const told = Number(/is named in (\d+) files/.exec(page)?.[1]);
      const files = execFileSync('git', ['grep', '-lI', '-i', 'flipkart'], { cwd: root, encoding: 'utf8' });
      const own =
        /^(src\/(channels|sandbox)|test\/(channels|sandbox))\/flipkart\/|^test\/contract\/flipkart|^docs\/channels\/flipkart/;
      const texts = ['docs/contributing.md', 'CHANGELOG.md'];
      const outside = files
        .trim()
        .split('\n')
        .filter((file) => !own.test(file) && !texts.includes(file));
      expect(outside).toHaveLength(told);
    },
  );
});

describe('what comments, tests and pages refer to', () => {
  const textFiles = (folder: string): string[] =>
    readdirSync(join(root, folder)).flatMap((name) => {
      const path = join(folder, name);
      if (statSync(join(root, path)).isDirectory()) return textFiles(path);
      return /\.(ts|tsx|md|js|sh)$/.test(name) ? [path] : [];
    });
  const written = ['README.md', 'CHANGELOG.md', ...['src', 'test', 'docs', 'bin'].flatMap(textFiles)]
    .filter((path) => existsSync(join(root, path)))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

  /** An id stands for a row of the facts (`| FK-2.4 |`) or for a section (`## FK-2`). */
  const known = new Set(
    pages.flatMap(({ channel }) => {
      const facts = readFileSync(join(root, 'docs', 'channels', `${channel}-facts.md`), 'utf8');
      return [...facts.matchAll(/^(?:## |\| )([A-Z]+-[OD0-9][.0-9]*)[ |]/gm)].map((match) => match[1] ?? '');
    }),
  );
  const id = new RegExp(
    `\\b(?:${pages.map(({ prefix }) => prefix).join('|')})-[OD]?\\.?\\d+(?:\\.\\d+)*`,
    'g',
  );

  test('every id of a fact stands in the facts of its channel', () => {
    const cited = written.flatMap(({ path, text }) =>
      [...text.matchAll(id)].map((match) => ({ path, cites: match[0] })),
    );
    expect(cited.length).toBeGreaterThan(1_000);
    expect(
      cited.filter(({ cites }) => !known.has(cites)).map(({ path, cites }) => `${path}: ${cites}`),
    ).toEqual([]);
  });

  test('every fact says where it is known from and how sure it is', () => {
    const bad = pages.flatMap(({ channel }) => {
      const facts = readFileSync(join(root, 'docs', 'channels', `${channel}-facts.md`), 'utf8');
      const rows = [...facts.matchAll(/^\| ([A-Z]+-\S+) \|(.*)\|$/gm)];
      return rows
        .filter((row) => row[2]?.split('|').filter((cell) => cell.trim() !== '').length !== 3)
        .map((row) => row[1])
        .concat(/Last verified: \d{4}-\d{2}/.test(facts) ? [] : [`${channel}: when?`]);
    });
    expect(bad).toEqual([]);
  });

  test('every file that the pages name as the one that decides is there', () => {
    const named = ['architecture', 'glossary'].flatMap((page) =>
      [...readFileSync(join(root, 'docs', `${page}.md`), 'utf8').matchAll(/`([a-z]+\/[\w/-]+\.ts)`/g)].map(
        (match) => match[1] ?? '',
      ),
    );
    expect(named.length).toBeGreaterThan(60);
    expect(
      named.filter((path) => !existsSync(join(root, 'src', path)) && !existsSync(join(root, path))),
    ).toEqual([]);
  });

  test('every function that the pages name beside its file is in that file', () => {
    const named = ['architecture', 'glossary'].flatMap((page) => [
      ...readFileSync(join(root, 'docs', `${page}.md`), 'utf8').matchAll(
        /`([a-z]+\/[\w/-]+\.ts)` \(`(\w+)`\)/g,
      ),
    ]);
    expect(named.length).toBeGreaterThan(7);
    const absent = named.filter(([, path = '', name = '']) => {
      const text = readFileSync(join(root, 'src', path), 'utf8');
      return !new RegExp(`function ${name}\\b`).test(text);
    });
    expect(absent.map(([text]) => text)).toEqual([]);
  });

  test('no text refers to papers that are not here', () => {
    const own = 'test/docs.test.ts';
    const found = written.filter(({ path, text }) => path !== own && /dossier|engine page/i.test(text));
    expect(found.map(({ path }) => path)).toEqual([]);
  });

  test('every page that a text names, and every link between pages, leads to a file', () => {
    const named = written.flatMap(({ path, text }) => [
      ...[...text.matchAll(/\bdocs\/[\w./-]+\.md\b/g)].map((match) => ({ path, to: match[0] })),
      ...(path.endsWith('.md')
        ? [...text.matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)].map((match) => ({
            path,
            to: join(path, '..', match[1] ?? ''),
          }))
        : []),
    ]);
    expect(
      named.filter(({ to }) => !existsSync(join(root, to))).map(({ path, to }) => `${path}: ${to}`),
    ).toEqual([]);
  });
});
