import type { ChannelDefinition } from '../channels/channel.ts';
import { keysOf } from './keys.ts';

const head = `# A small configuration to start from; config.example.yaml in the package shows every key there is.
# \${NAME} stands for an environment variable, \${file:/run/secrets/name} for the content of a file.

# folder of the database, relative to this file
data_dir: ./data

# The address under which the platforms reach this machine (through your proxy, with TLS). Without one, orders are polled.
#server:
#  public_url: https://sync.example.com

channels:
`;

/**
 * A configuration with one channel of each type, in `observe`, with the keys that have no default. What stands there
 * and what it means are taken from `example`, the text of config.example.yaml, which a test holds to the schemas.
 */
export function starter(definitions: readonly ChannelDefinition[], example: string): string {
  const taken = new Set<string>();
  const blocks = definitions.map((definition) => {
    let name = definition.type;
    for (let n = 2; taken.has(name); n += 1) name = `${definition.type}-${n}`;
    taken.add(name);
    return [
      `  ${name}:`,
      `    type: ${definition.type}`,
      '    mode: observe',
      ...ownLines(definition, example),
    ];
  });
  return head + blocks.map((lines) => `${lines.join('\n')}\n`).join('\n');
}

/** The lines of the type's keys that a merchant must fill in, each below its help. */
function ownLines(definition: ChannelDefinition, example: string): string[] {
  const needed = new Set(
    keysOf(definition.config)
      .filter((key) => key.required || (key.secret && key.inner.length === 0))
      .map((key) => key.name),
  );
  const lines = example.split('\n');
  const from = lines.indexOf(`    type: ${definition.type}`);
  const found: string[] = [];
  let help: string[] = [];
  for (const line of from < 0 ? [] : lines.slice(from + 1)) {
    if (/^ {0,2}\S/.test(line)) break;
    const key = /^ {4}([a-z_]+):/.exec(line)?.[1];
    if (key !== undefined && needed.has(key)) found.push(...help, line);
    help = /^ {4}# /.test(line) ? [...help, line] : [];
  }
  return found;
}
