import type { Capabilities } from '../../channels/channel.ts';
import { channelTypes, definitions } from '../../channels/registry.ts';
import { EXIT, type ExitCode } from '../../errors.ts';
import { answer } from '../answer.ts';
import { channelTable } from '../channel-table.ts';
import type { Invocation } from '../command.ts';
import { printLine, printTable } from '../print.ts';

/** `channels types`: needs no configuration. */
export async function types(invocation: Invocation<{ markdown?: boolean }>): Promise<ExitCode> {
  const built = await definitions(channelTypes);
  if (invocation.options.markdown === true && !invocation.json) {
    printLine(invocation.io, channelTable(built));
    return EXIT.ok;
  }
  const rows = built.map((definition) => ({
    type: definition.type,
    title: definition.title,
    grade: definition.grade.level,
    grade_date: definition.grade.date,
    grade_note: definition.grade.note,
    capabilities: snakeCased(definition.capabilities),
  }));
  answer(invocation, { types: rows }, [], (io) => {
    printTable(
      io,
      [
        { title: 'type', value: (row) => row.type },
        { title: 'title', worth: 2, value: (row) => row.title },
        { title: 'tried with', value: (row) => row.grade },
        { title: 'on', value: (row) => row.grade_date },
        { title: 'note', room: 36, value: (row) => row.grade_note },
      ],
      rows,
    );
  });
  return EXIT.ok;
}

/** `orderLagMs` becomes `order_lag_ms`. */
function snakeCased(capabilities: Capabilities): Record<string, string | number | boolean | null> {
  return Object.fromEntries(
    Object.entries(capabilities).map(([key, value]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  );
}
