import { testNotice } from '../alerts/notice.ts';
import { createSender } from '../alerts/send.ts';
import { systemClock } from '../clock.ts';
import { AppError, EXIT, type ExitCode, messageOf } from '../errors.ts';
import { answer } from './answer.ts';
import type { Invocation } from './command.ts';
import { paint, printable, printLine } from './print.ts';

/** `alerts test [ROUTE]`: sends a test by each route, one failing route never stops another. */
export async function tryRoutes(invocation: Invocation<object>): Promise<ExitCode> {
  const [wanted] = invocation.args;
  const { alerts } = (await invocation.loadConfig()).config;
  const routes = alerts.routes.filter(({ name }) => wanted === undefined || name === wanted);
  if (routes.length === 0)
    throw noRoute(
      wanted,
      alerts.routes.map(({ name }) => name),
    );
  const sender = createSender(systemClock, invocation.io.version);
  const { signal } = new AbortController();
  const now = invocation.io.now();
  const tried = await Promise.all(
    routes.map(async (route) => {
      const error = await sender
        .send(route, testNotice(route.name), `test_${route.name}_${now}`, signal)
        .then(() => null, messageOf);
      return { route: route.name, type: route.type, ok: error === null, error };
    }),
  );
  await sender.close();
  answer(invocation, { routes: tried }, [], (io) => {
    for (const { route, ok, error } of tried)
      printLine(
        io,
        ok
          ? `${route}: ${paint(io, 'good', 'taken')}`
          : `${route}: ${paint(io, 'bad', printable(error ?? ''))}`,
      );
  });
  return tried.every(({ ok }) => ok) ? EXIT.ok : EXIT.partial;
}

function noRoute(wanted: string | undefined, known: readonly string[]): AppError {
  const message =
    wanted === undefined || known.length === 0 ? 'no route is configured' : `no route is called "${wanted}"`;
  const hint =
    known.length === 0
      ? 'add one under alerts.routes: config.example.yaml shows mail, Slack, Discord, ntfy and a webhook'
      : `one of ${known.join(', ')}`;
  return new AppError('no_route', message, { hint, exitCode: EXIT.usage });
}
