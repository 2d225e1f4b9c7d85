/**
 * A process that empties the log while the disk is full. Preloaded with `power.c`; arguments: data folder, the file
 * whose presence makes the disk full. Says on stdout what happened, as JSON.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { openSqliteStore } from '../../dist/store/sqlite/index.js';

const [dataDir = '.', full = ''] = process.argv.slice(2);
const store = await openSqliteStore({ dataDir, writer: 'own' });
const said = (work) =>
  work.then(
    () => 'done',
    (error) => error.code,
  );
const found = { written: await said(store.duties.ping(1)) };
writeFileSync(full, '');
found.whileFull = await said(store.duties.tidy());
found.writtenWhileFull = await said(store.duties.ping(2));
rmSync(full);
found.afterwards = await said(store.duties.ping(3));
found.emptied = await said(store.duties.tidy());
await store.close();
process.stdout.write(JSON.stringify(found));
