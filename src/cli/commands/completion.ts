import { Argument, type Command } from 'commander';
import { EXIT } from '../../errors.ts';
import { type Cli, define } from '../command.ts';
import { completionScripts } from '../completion/scripts.ts';

/** `invsync completion SHELL`: what a shell runs to complete commands, flags, channels, SKUs and listings. */
export function register(command: Command, cli: Cli): void {
  const shells = Object.keys(completionScripts);
  define(
    command.addArgument(new Argument('<shell>', 'which shell').choices(shells)),
    cli,
    {
      examples: ['invsync completion bash', 'invsync completion fish'],
      exits: [EXIT.ok, EXIT.usage],
      prints: 'talk',
    },
    async ({ io, args }) => {
      io.stdout(completionScripts[args[0] as keyof typeof completionScripts]);
      return EXIT.ok;
    },
  );
}
