import type { ChannelDefinition, Grade } from '../channels/channel.ts';
import { durationText } from '../config/text.ts';

const levels: Readonly<Record<Grade['level'], string>> = {
  sandbox: 'works on the sandbox shop',
  contracts: 'checked against official contracts',
  live: 'run against the real platform',
};

/** The built-in channels as a Markdown table, a line each: what the README shows. Ends without a line break. */
export function channelTable(definitions: readonly ChannelDefinition[]): string {
  const rows = definitions
    .filter(({ type }) => type !== 'memory')
    .map((definition) => {
      const { type, title, grade, capabilities } = definition;
      const writes = {
        native: 'compared there',
        'read-check': 'read, compared, then written',
        none: 'not compared',
      };
      const acts = [...(capabilities.hold ? ['hold'] : []), ...(capabilities.cancel ? ['cancel'] : [])];
      return [
        `[${title}](docs/channels/${type}.md)`,
        `${levels[grade.level]}, ${grade.date}`,
        grade.note,
        `${capabilities.webhooks ? 'told, and ' : ''}polled every ${durationText(capabilities.webhooks ? capabilities.pollDefaultMs : capabilities.pollOnlyMs)}`,
        writes[capabilities.compareAndSet],
        acts.length === 0 ? 'alert' : `alert, ${acts.join(', ')}`,
      ];
    });
  const head = ['channel', 'grade', 'how that was shown', 'sales', 'writes', 'oversells'];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
