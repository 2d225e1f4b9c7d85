#!/usr/bin/env node
/** Writes the table of channels into README.md, from what the built channels declare: `npm run readme`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { channelTypes, definitions } from '../dist/channels/registry.js';
import { channelTable } from '../dist/cli/channel-table.js';

const file = fileURLToPath(new URL('../README.md', import.meta.url));
const text = readFileSync(file, 'utf8');
const marked = /(<!-- channels[^>]*-->\n)[\s\S]*?(\n<!-- \/channels -->)/;
if (!marked.test(text)) throw new Error('README.md has no <!-- channels --> … <!-- /channels -->');
const table = channelTable(await definitions(channelTypes));
writeFileSync(
  file,
  text.replace(marked, (_, begin, end) => `${begin}${table}${end}`),
);
