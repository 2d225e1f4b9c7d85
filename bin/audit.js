#!/usr/bin/env node
/**
 * Known holes of what invsync is made of: `npm run audit`, a part of `npm run check`. Ends with 1 when the registry knows a
 * high or critical one in what runs; says so, and ends with 0, where it could not be asked.
 */
import { spawnSync } from 'node:child_process';

const asked = spawnSync('npm', ['audit', '--omit=dev', '--json'], { encoding: 'utf8', timeout: 60_000 });
const report = parsed(asked.stdout);
const counts = report?.metadata?.vulnerabilities;
if (counts === undefined) {
  const why = report?.message ?? report?.error?.summary ?? asked.error?.message ?? 'no answer';
  process.stdout.write(`npm audit: the registry could not be asked, nothing was checked (${why})\n`);
} else {
  const bad = counts.high + counts.critical;
  const names = Object.values(report.vulnerabilities ?? {}).map(
    ({ name, severity }) => `${name} (${severity})`,
  );
  process.stdout.write(
    `npm audit: ${counts.total} known${names.length > 0 ? `: ${names.join(', ')}` : ''}; ${bad} of them high or critical\n`,
  );
  process.exitCode = bad > 0 ? 1 : 0;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
