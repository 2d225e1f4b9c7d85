#!/usr/bin/env node
/**
 * Runs the demo with the worst faults for twenty seeds, two at a time: `npm run demo:seeds [-- FIRST [COUNT]]`. One line
 * each; ends with 1 and the command that repeats it when a proof fails.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('./invsync.js', import.meta.url));
const [first, count] = [Number(process.argv[2] ?? 1), Number(process.argv[3] ?? 20)];
if (!Number.isInteger(first) || !Number.isInteger(count) || first < 0 || count < 1) {
  process.stderr.write('usage: npm run demo:seeds [-- FIRST [COUNT]]   two whole numbers\n');
  process.exit(2);
}
const atOnce = 2;
const seeds = Array.from({ length: count }, (_, index) => first + index);
const failed = [];

await Promise.all(
  Array.from({ length: atOnce }, async () => {
    for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
      const { line, ok } = await run(seed);
      process.stdout.write(`${line}\n`);
      if (!ok) failed.push(seed);
    }
  }),
);
process.stdout.write(
  failed.length === 0 ? `all ${count} seeds ok\n` : `${failed.length} of ${count} seeds FAILED\n`,
);
process.exitCode = failed.length === 0 ? 0 : 1;

/** One demo to its end. */
async function run(seed) {
  const args = ['demo', '--no-tui', '--json', '--chaos', 'hell', '--channels', 'shopify,woocommerce'];
  args.push('--seed', String(seed), '--duration', '15s');
  const child = spawn(process.execPath, [bin, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let talk = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    talk += chunk;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  const proof = documentIn(out);
  const ok = code === 0 && proof?.ok === true;
  const name = `seed ${String(seed).padStart(4)}`;
  if (ok) {
    const {
      orders,
      duplicates_absorbed: repeats,
      kills,
      orders_unheard: unheard,
      timed_out_writes: cut,
    } = proof;
    const facts = `${orders} orders, ${repeats} repeats, ${unheard} unheard, ${cut} writes unanswered, ${kills} kills`;
    return { ok, line: `${name}  ok      ${facts}, ${proof.seconds} s` };
  }
  const reasons = proof?.failures ?? [
    proof?.error?.message ?? (talk.trim().split('\n').at(-1) || `exit code ${code}`),
  ];
  const repeat = `repeat it: npx invsync ${args.join(' ')}`;
  return {
    ok,
    line: [
      `${name}  FAILED  (exit ${code})`,
      ...reasons.slice(0, 10).map((text) => `    ${text}`),
      `    ${repeat}`,
    ].join('\n'),
  };
}

function documentIn(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
