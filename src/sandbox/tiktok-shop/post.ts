import type { Agenda } from '../agenda.ts';
import type { Mail } from '../mail.ts';
import type { Random } from '../random.ts';
import type { Records } from '../records.ts';
import { platformMs } from '../time.ts';
import type { Letter, News } from './news.ts';
import { deliverySignature } from './sign.ts';
import type { State } from './state.ts';

/** TTS-2.4: after these the delivery is lost. */
const retriesMs = [120_000, 1_800_000, 10_800_000, 43_200_000];

/** Delivers: delays, retries, weather. Answers how to send a letter. */
export function createPost(deps: {
  state: State;
  agenda: Agenda;
  mail: Mail;
  records: Records;
  random: Random;
  app: { key: string; secret: string };
  news(): News;
}): (letter: Letter) => void {
  const { state, agenda, mail, records, random, app } = deps;
  const { faults } = state;

  /** Seeded jitter: no order between deliveries is promised. */
  const delay = (): number => {
    let ms = platformMs(random.int(100, 3_000), state.timeScale);
    if (faults.hits('reorder_webhook')) ms += platformMs(random.int(3_000, 15_000), state.timeScale);
    const faultMs = faults.ms('delay_webhook');
    if (faults.hits('delay_webhook')) ms += faultMs;
    return ms;
  };

  const headersOf = (body: Buffer): Record<string, string> => {
    const headers = { 'Content-Type': 'application/json', 'User-Agent': 'Go-http-client/1.1' };
    if (faults.hits('unsigned')) return headers;
    const key = faults.hits('wrong_recipe') ? '' : app.key;
    const secret = faults.hits('bad_signature') ? `${app.secret}x` : app.secret;
    return { ...headers, Authorization: deliverySignature(key, secret, body) };
  };

  /**
   * An order is told of several times without any change of its units (paid, on hold, to be shipped): whose first news
   * is lost, the rest is lost as well, until units move again. Else the fault would take next to nothing.
   */
  const isLost = ({ order }: Letter): boolean => {
    if (order !== null && order.lostRevision === order.revision) return true;
    if (!faults.hits('drop_webhook')) return false;
    if (order !== null) order.lostRevision = order.revision;
    return true;
  };

  const queue = (letter: Letter, attempt: number, again: 'first' | 'copy', afterMs: number) =>
    agenda.add({ afterMs, group: 'deliveries', run: () => deliver(letter, attempt, again) });

  const deliver = async (letter: Letter, attempt: number, again: 'first' | 'copy'): Promise<void> => {
    const { topic, subject, order, body } = letter;
    const registration = deps.news().registrations.get(topic);
    const isNews = attempt === 1 && again === 'first';
    if (registration === undefined || (isNews && isLost(letter))) {
      records.webhook({ topic, subject, outcome: 'dropped', status: 0, ms: 0, duplicate: false });
      return;
    }
    const revision = order?.revision ?? 0;
    const sentAt = Date.now();
    const { status } = await mail.send({
      method: 'POST',
      uri: registration.address,
      headers: headersOf(body),
      body,
    });
    const ms = Date.now() - sentAt;
    const duplicate = attempt > 1 || again === 'copy';
    // TTS-2.4: nothing but 200 is an acknowledgement.
    const outcome = status === 200 ? 'ok' : 'failed';
    records.webhook({ topic, subject, outcome, status, ms, duplicate });
    if (outcome === 'ok') {
      if (order !== null) order.heardRevision = Math.max(order.heardRevision, revision);
      if (again === 'first' && faults.hits('duplicate_webhook')) queue(letter, attempt, 'copy', delay());
      return;
    }
    const waitMs = retriesMs[attempt - 1];
    if (waitMs !== undefined) queue(letter, attempt + 1, again, platformMs(waitMs, state.timeScale));
    else if (faults.hits('given_up_unsubscribes')) deps.news().registrations.delete(topic);
  };

  return (letter) => queue(letter, 1, 'first', delay());
}
