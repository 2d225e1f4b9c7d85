#!/usr/bin/env node
/** Writes into docs/contributing.md what each channel takes in lines: `npm run channel-lines`. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

function linesOf(path) {
  if (statSync(path).isDirectory())
    return readdirSync(path).reduce((sum, name) => sum + linesOf(join(path, name)), 0);
  return /\.(ts|md)$/.test(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0;
}

/** All below a folder of the repository whose path begins so. */
function linesUnder(folder, begins) {
  return readdirSync(join(root, folder))
    .filter((name) => name.startsWith(begins))
    .reduce((sum, name) => sum + linesOf(join(root, folder, name)), 0);
}

/** The table in Markdown: per channel the lines of adapter, sandbox shop, tests and facts, and of what all share. */
export function channelLines() {
  const types = readdirSync(join(root, 'src', 'sandbox')).filter(
    (name) => !name.endsWith('.ts') && readdirSync(join(root, 'src', 'channels')).includes(name),
  );
  const row = (name, numbers) =>
    `| ${[name, ...numbers.map((number) => number.toLocaleString('en'))].join(' | ')} |`;
  const numbers = types
    .filter((type) => type !== 'kit')
    .map((type) => [
      type,
      [
        linesUnder('src/channels', type),
        linesUnder('src/sandbox', type),
        linesUnder('test/channels', type) +
          linesUnder('test/sandbox', type) +
          linesUnder('test/contract', type),
        linesUnder('docs/channels', `${type}-facts`),
      ],
    ]);
  const sharedShop = readdirSync(join(root, 'src', 'sandbox'))
    .filter((name) => name.endsWith('.ts') || name === 'kit')
    .reduce((sum, name) => sum + linesUnder('src/sandbox', name), 0);
  return [
    '| channel | adapter | sandbox shop | tests | facts |',
    '|---|---|---|---|---|',
    ...numbers.map(([type, of]) => row(type, of)),
    row('what all share (kits)', [
      linesUnder('src/channels', 'kit'),
      sharedShop,
      linesUnder('test/channels', 'kit') + linesUnder('test', 'kit'),
      0,
    ]),
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = join(root, 'docs', 'contributing.md');
  const text = readFileSync(file, 'utf8');
  const marked = /(<!-- channel-lines[^>]*-->\n)[\s\S]*?(\n<!-- \/channel-lines -->)/;
  if (!marked.test(text))
    throw new Error('docs/contributing.md has no <!-- channel-lines --> … <!-- /channel-lines -->');
  writeFileSync(
    file,
    text.replace(marked, (_, begin, end) => `${begin}${channelLines()}${end}`),
  );
}
