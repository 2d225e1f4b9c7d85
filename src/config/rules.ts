import type { ChannelDefinition } from '../channels/channel.ts';
import { innerKeys, isSecretKey, type KeyInfo } from './keys.ts';
import { isTable } from './lenient.ts';
import { type Path, type Problem, pathText } from './problem.ts';
import type { ChannelSettings, FileSettings } from './schema.ts';
import type { Source } from './source.ts';
import { durationText, isLoopback, type ListenAddress } from './text.ts';

/** The rules that concern more than one value. Each adds what it finds. */
interface Findings {
  source: Source;
  problems: Problem[];
  warnings: Problem[];
}

/** A key whose value is an address that requests, credentials included, are sent to. */
const addressKey = /(^|_)(url|endpoint)$/;

/** Credentials never travel unencrypted beyond this machine, unless the channel says so. */
export function checkPlainHttp(table: Readonly<Record<string, unknown>>, path: Path, found: Findings): void {
  if (table['allow_insecure'] === true || table['allow_insecure'] === 'true') return;
  for (const [key, value] of Object.entries(table)) {
    if (isTable(value)) checkPlainHttp(value, [...path, key], found);
    if (!addressKey.test(key) || typeof value !== 'string' || !URL.canParse(value)) continue;
    const url = new URL(value);
    if (url.protocol !== 'http:' || isLoopback(url.hostname)) continue;
    const hint = 'use https://, or set allow_insecure: true on this channel if the way there is private';
    refuse(found, [...path, key], 'plain http:// beyond this machine', hint);
  }
}

/** A secret that stands in the file itself is a warning: whoever reads the file, or its backup, has it. */
export function warnOfClearText(
  table: Readonly<Record<string, unknown>>,
  path: Path,
  found: Findings & { keys: readonly KeyInfo[] },
): void {
  for (const [key, value] of Object.entries(table)) {
    const inner = innerKeys(key, found.keys);
    if (inner.length > 0 && isTable(value)) {
      warnOfClearText(value, [...path, key], { ...found, keys: inner });
      continue;
    }
    if (!isSecretKey(key, found.keys) || value === null) continue;
    const spots: Path[] = Array.isArray(value) ? value.map((_, at) => [...path, key, at]) : [[...path, key]];
    for (const spot of spots) {
      if (found.source.isReferenced(spot)) continue;
      const hint = `keep it outside the file: \${${key.toUpperCase()}} or \${file:/run/secrets/${key}}`;
      warn(found, spot, 'a secret in clear text', hint);
    }
  }
}

/** A channel cannot be asked for what its platform does not offer. */
export function checkOversell(
  shared: ChannelSettings,
  definition: ChannelDefinition,
  found: Findings & { path: Path; settings: FileSettings },
): void {
  const wanted = shared.oversell ?? found.settings.defaults.oversell;
  if (wanted === 'alert' || definition.capabilities[wanted]) return;
  const message = `${definition.title} offers no ${wanted} of orders`;
  if (shared.oversell !== undefined) {
    refuse(found, [...found.path, 'oversell'], message, 'use oversell: alert here');
  } else warn(found, found.path, message, 'this channel alerts instead of following defaults.oversell');
}

/** How sales are heard of: at an interval that the platform bears, and in at least one way. */
export function checkPulls(
  shared: ChannelSettings,
  definition: ChannelDefinition,
  found: Findings & { path: Path },
): void {
  const { capabilities, title } = definition;
  const least = durationText(capabilities.pollMinMs);
  const pollPath = [...found.path, 'poll'];
  if (typeof shared.poll === 'number' && shared.poll < capabilities.pollMinMs) {
    refuse(found, pollPath, `is below the minimum of ${title}, ${least}`, `${least} or more, or off`);
  }
  if (shared.webhooks === true && !capabilities.webhooks) {
    refuse(found, [...found.path, 'webhooks'], `${title} sends no webhooks`, 'remove the key');
  }
  if (shared.poll === null && !(shared.webhooks ?? capabilities.webhooks)) {
    const message = 'neither webhooks nor poll: sales are heard of only when reconcile runs';
    warn(found, pollPath, message, 'set poll to a duration');
  }
}

/** The admin listener beyond this machine needs a token, and anywhere one that cannot be guessed. */
export function checkAdmin(settings: FileSettings, found: Findings): void {
  const { listen, token } = settings.admin;
  if (token !== null && token.length < 16) {
    warn(
      found,
      ['admin', 'token'],
      'is short enough to be guessed',
      '32 random characters: openssl rand -hex 16',
    );
  }
  if (isLoopback(listen.host) || token !== null) return;
  const message = `is required because admin.listen (${listen.host}) is not loopback`;
  const hint = `set admin.token to \${INVSYNC_ADMIN_TOKEN}, or listen on 127.0.0.1`;
  refuse(found, ['admin', 'token'], message, hint);
}

/** Both listeners cannot have one address. */
export function checkListeners(settings: FileSettings, found: Findings): void {
  const { server, admin } = settings;
  if (server.listen.port !== admin.listen.port || server.listen.port === 0) return;
  const wide = (address: ListenAddress) => address.host === '0.0.0.0' || address.host === '::';
  const clash = wide(server.listen) || wide(admin.listen) || server.listen.host === admin.listen.host;
  if (!clash) return;
  refuse(found, ['admin', 'listen'], 'uses the port of server.listen', 'give them different ports');
}

/** A key that is forgotten while its platform still repeats the delivery would let it in as a new one. */
export function checkRetention(
  settings: FileSettings,
  channels: readonly { name: string; definition: ChannelDefinition }[],
  found: Findings,
): void {
  const longest = channels.toSorted((a, b) => retryMs(b) - retryMs(a))[0];
  if (longest === undefined || settings.retention.event_ids >= retryMs(longest)) return;
  const needed = durationText(retryMs(longest));
  const message = `is shorter than the ${needed} during which ${longest.name} may repeat a delivery`;
  refuse(found, ['retention', 'event_ids'], message, `${needed} or more`);
}

function retryMs(channel: { definition: ChannelDefinition }): number {
  return channel.definition.capabilities.webhookRetryMs;
}

/** A value that is already known to be wrong gets no second complaint. */
function refuse(found: Findings, path: Path, message: string, hint: string): void {
  const text = pathText(path);
  if (found.source.isBroken(path) || found.problems.some((problem) => problem.path === text)) return;
  found.problems.push({ path: text, line: found.source.lineOf(path), message, hint });
}

function warn(found: Findings, path: Path, message: string, hint: string): void {
  found.warnings.push({ path: pathText(path), line: found.source.lineOf(path), message, hint });
}
