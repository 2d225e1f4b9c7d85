#!/usr/bin/env node
/**
 * `npm run package`: release/invsync-VERSION-linux-x64.tar.gz, which runs where there is no Node, no compiler and no network: the
 * Node that runs this script, the program as built, what it needs of node_modules with SQLite compiled, and all licences.
 * What the lock file marks as needed at run time goes in, and nothing else.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { create } from 'tar';

const root = fileURLToPath(new URL('..', import.meta.url));
const release = join(root, 'release');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const name = `invsync-${version}-${process.platform}-${process.arch}`;
if (process.platform !== 'linux' || process.arch !== 'x64')
  fail(`packages are made for linux-x64, not ${name}`);

const place = join(release, name);
rmSync(place, { recursive: true, force: true });
const app = join(place, 'app');
mkdirSync(app, { recursive: true });

const packages = Object.entries(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages)
  .filter(([path, entry]) => path !== '' && !entry.dev && !entry.devOptional)
  .map(([path, entry]) => ({ path, entry, from: join(root, path) }))
  .filter(({ path, entry, from }) => {
    if (existsSync(from)) return true;
    // Meant for another platform.
    if (!entry.optional) fail(`${path} is missing: run npm ci first`);
    return false;
  });

for (const part of [
  'dist',
  'docs',
  'ops',
  'config.example.yaml',
  'README.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'LICENSE',
  'package.json',
])
  cpSync(join(root, part), join(app, part), {
    recursive: true,
    filter: (from) => !/\.map$|dist\/bench/.test(from),
  });
cpSync(join(root, 'bin/invsync.js'), join(app, 'bin/invsync.js'));
for (const { path, from } of packages) copyPackage(path, from);

mkdirSync(join(place, 'lib'));
cpSync(process.execPath, join(place, 'lib/node'), { dereference: true });
strip(join(place, 'lib/node'));
writeFileSync(join(place, 'invsync'), launcher());
chmodSync(join(place, 'invsync'), 0o755);
writeFileSync(join(place, 'THIRD-PARTY-LICENSES.txt'), licences());

const file = join(release, `${name}.tar.gz`);
await create({ file, cwd: release, gzip: { level: 9 }, portable: true, noMtime: true }, [name]);
const sum = createHash('sha256').update(readFileSync(file)).digest('hex');
writeFileSync(`${file}.sha256`, `${sum}  ${basename(file)}\n`);
const { glibcVersionRuntime } = process.report.getReport().header;
process.stdout.write(
  `${file}\n  ${packages.length} packages, Node ${process.versions.node}, needs glibc ${glibcVersionRuntime} or newer, as here\n`,
);

/** A package without what nested ones bring themselves, and without what only its making needed. */
function copyPackage(path, from) {
  const sqlite = path === 'node_modules/better-sqlite3';
  const kept =
    /^(?:lib|package\.json|LICENSE|build|build\/Release|build\/Release\/better_sqlite3\.node)$|^lib\//;
  cpSync(from, join(app, path), {
    recursive: true,
    dereference: true,
    filter: (source) => {
      const inner = source.slice(from.length + 1);
      if (inner === 'node_modules' || /\.(?:map|d\.[cm]?ts)$/.test(inner)) return false;
      return !sqlite || inner === '' || kept.test(inner);
    },
  });
}

/** Debug symbols are half of some builds of Node; without the tool they stay. */
function strip(binary) {
  try {
    execFileSync('strip', ['--strip-debug', binary], { stdio: 'ignore' });
  } catch {
    process.stderr.write('strip is not here: the Node inside keeps its symbols\n');
  }
}

/** Plain sh, needing no other program unless it is called by a link. */
function launcher() {
  return `#!/bin/sh
self=$0
while [ -L "$self" ]; do
  to=$(readlink "$self")
  case $to in /*) self=$to ;; *) self=\${self%/*}/$to ;; esac
done
case $self in */*) here=\${self%/*} ;; *) here=. ;; esac
exec "$here/lib/node" "$here/app/bin/invsync.js" "$@"
`;
}

/** The text of each licence as its package brings it; of one that brings none, what it declares. */
function licences() {
  const texts = packages.map(({ path, entry, from }) => {
    const title = `${path.split('node_modules/').at(-1)} ${entry.version} (${entry.license ?? 'see below'})`;
    const files = readdirSync(from).filter((file) => /^(?:licen[cs]e|copying|notice)/i.test(file));
    const text = files.map((file) => readFileSync(join(from, file), 'utf8').trim()).join('\n\n');
    if (text === '' && !entry.license) fail(`${path} says nothing of its licence`);
    return `${'='.repeat(78)}\n${title}\n${'='.repeat(78)}\n${text === '' ? 'The package brings no text of its licence.' : text}\n`;
  });
  const bin = dirname(process.execPath);
  const node = [
    join(bin, '../LICENSE'),
    join(bin, '../share/doc/nodejs/LICENSE'),
    join(bin, '../share/doc/node/LICENSE'),
  ].find(existsSync);
  if (node === undefined)
    fail(
      `the licence of ${process.execPath} is not beside it: use a Node as nodejs.org or a distribution packs it`,
    );
  const own = `${'='.repeat(78)}\nNode.js ${process.versions.node}\n${'='.repeat(78)}\n${readFileSync(node, 'utf8').trim()}\n`;
  return `${own}\nSQLite, within better-sqlite3, is in the public domain.\n\n${texts.join('\n')}`;
}

function fail(message) {
  process.stderr.write(`error: ${message}\n`);
  process.exit(1);
}
