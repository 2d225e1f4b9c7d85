import { createSign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import MessageValidator from 'sns-validator';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { amazon } from '../../src/channels/amazon/index.ts';
import type { Channel } from '../../src/channels/channel.ts';
import { systemClock } from '../../src/clock.ts';
import { silentLog } from '../../src/log.ts';
import { type Receiver, startReceiver } from '../kit/shop-stage.ts';
import { send, startWorld, type World } from '../sandbox/amazon/world.ts';
import { type Wire, wireTo } from './wire.ts';

/**
 * Our verifier of SNS messages beside `sns-validator`, the one that AWS publishes for Node: every message goes to both.
 * The judge fetches certificates with `https.get` and takes no loader, so that `https.globalAgent` is replaced while a
 * world stands: its own request goes over a real socket to the certificate server on loopback, whatever host it names.
 */

type Message = Record<string, unknown>;
/** `yes`, or why not, in each verifier's own words. */
type Verdict = string;

const badSignature = { judge: 'The message signature is invalid.', ours: 'the signature is wrong' };
const usualAgent = https.globalAgent;
const now = Date.parse('2026-11-23T10:00:00.000Z');

const pem = (name: string) =>
  readFileSync(join(import.meta.dirname, '../channels/amazon/fixtures', name), 'utf8');

function judgeSays(message: unknown): Promise<Verdict> {
  const text = typeof message === 'string' ? message : JSON.stringify(message);
  return new Promise((resolve) => {
    new MessageValidator().validate(text, (error) => resolve(error === null ? 'yes' : error.message));
  });
}

/** As the receiver asks it: a certificate that is not known yet is loaded, and asked for once more. */
async function oursSays(channel: Channel, message: unknown): Promise<Verdict> {
  const text = typeof message === 'string' ? message : JSON.stringify(message);
  const request = {
    method: 'POST',
    path: '',
    query: '',
    headers: { 'content-type': 'text/plain; charset=UTF-8' },
    body: Buffer.from(text),
    receivedAt: now,
  };
  const first = channel.receive(request);
  if (first.kind === 'needs') await first.load(new AbortController().signal);
  const receipt = first.kind === 'needs' ? channel.receive(request) : first;
  if (receipt.kind === 'deliveries' || receipt.kind === 'handshake') return 'yes';
  return receipt.kind === 'refused' ? receipt.reason : receipt.kind;
}

async function bothSay(channel: Channel, message: unknown): Promise<{ judge: Verdict; ours: Verdict }> {
  return { judge: await judgeSays(message), ours: await oursSays(channel, message) };
}

function open(config: Record<string, unknown>, clockNow: () => number): Channel {
  return amazon.create(amazon.config.parse(config), {
    name: 'judged',
    clock: { ...systemClock, now: clockNow },
    log: silentLog,
    randomHex: (bytes) => '80'.repeat(bytes),
    baseUrl: null,
    timeoutMs: 5_000,
    publicUrl: null,
    vault: { get: async () => null, set: async () => {} },
  });
}

// ------------------------------------------------------------------------------------------------- the alterations

const otherTopic = (arn: unknown) => `${String(arn)}-2`;
/** Other values of the signed texts that are as good as the true ones; Subject and SubscribeURL only where they are. */
const others: Record<string, (value: string) => string> = {
  Message: (value) => `${value} `,
  MessageId: () => '00000000-0000-4000-8000-000000000000',
  Subject: (value) => `${value}x`,
  SubscribeURL: (value) => `${value}0`,
  Timestamp: () => '2026-11-23T09:59:57.000Z',
  Token: (value) => `${value}0`,
};
const requiredFields = [
  ...['Message', 'MessageId', 'Timestamp', 'TopicArn', 'Type'],
  ...['Signature', 'SigningCertURL', 'SignatureVersion'],
];

/** Everything that only the signature can give away; the topic is changed to another one that we would believe. */
function forgeries(message: Message): [name: string, forged: Message][] {
  const list: [string, Message][] = [];
  for (const [field, otherThan] of Object.entries(others)) {
    const value = message[field];
    if (typeof value === 'string') list.push([`another ${field}`, { ...message, [field]: otherThan(value) }]);
  }
  list.push(['another topic', { ...message, TopicArn: otherTopic(message['TopicArn']) }]);
  if (message['Type'] === 'Notification') {
    const told = { ...message, Token: 't', SubscribeURL: 'https://sns.eu-west-1.amazonaws.com/?x' };
    list.push(['a confirmation made of it', { ...told, Type: 'SubscriptionConfirmation' }]);
    list.push(['a cancellation made of it', { ...told, Type: 'UnsubscribeConfirmation' }]);
    const { Subject, ...rest } = message;
    list.push(
      Subject === undefined
        ? ['a subject put in', { ...message, Subject: 'hello' }]
        : ['the subject left out', rest],
    );
    list.push(['an empty subject', { ...message, Subject: Subject === '' ? 'x' : '' }]);
  } else {
    list.push(['a notification made of it', { ...message, Type: 'Notification' }]);
  }
  return [...list, ...signatureForgeries(message)];
}

/** The signature's own bytes; what they sign is left alone. */
function signatureForgeries(message: Message): [name: string, forged: Message][] {
  const bytes = Buffer.from(String(message['Signature']), 'base64');
  const as = (changed: Buffer): Message => ({ ...message, Signature: changed.toString('base64') });
  const flipped = (at: number, bit: number) => {
    const copy = Buffer.from(bytes);
    copy.writeUInt8(copy.readUInt8(at) ^ bit, at);
    return as(copy);
  };
  const places = [0, 1, Math.floor(bytes.length / 2), bytes.length - 1];
  const other = message['SignatureVersion'] === '1' ? '2' : '1';
  return [
    ...places.flatMap((at): [string, Message][] => [
      [`lowest bit of byte ${at} of the signature`, flipped(at, 1)],
      [`highest bit of byte ${at} of the signature`, flipped(at, 128)],
    ]),
    ['a signature that lacks a byte', as(bytes.subarray(1))],
    ['a signature with a byte more', as(Buffer.concat([bytes, Buffer.from([0])]))],
    ['a signature of zeros', as(Buffer.alloc(bytes.length))],
    ['a signature the wrong way round', as(Buffer.from(bytes).reverse())],
    ['the other signature version', { ...message, SignatureVersion: other }],
  ];
}

/** What both refuse, each in words of its own: most of it before they look at a signature. */
function malformations(message: Message): [name: string, malformed: unknown][] {
  const file = String(message['SigningCertURL']).split('/').at(-1);
  const host = new URL(String(message['SigningCertURL'])).host;
  const at = (SigningCertURL: unknown): Message => ({ ...message, SigningCertURL });
  const texts = Object.entries(message).filter((entry): entry is [string, string] => entry[0] in others);
  return [
    ...texts.flatMap(([field, value]): [string, unknown][] => [
      [`${field} with a letter more`, { ...message, [field]: `${value}x` }],
      [`${field} with a line more`, { ...message, [field]: `${value}\n` }],
      [`${field} behind a space`, { ...message, [field]: ` ${value}` }],
      [`${field} in another case`, { ...message, [field]: `${value}Ü`.toUpperCase() }],
      [`${field} as a list`, { ...message, [field]: [value, 'x'] }],
    ]),
    [
      'id and time exchanged',
      { ...message, MessageId: message['Timestamp'], Timestamp: message['MessageId'] },
    ],
    ...requiredFields.map((field): [string, unknown] => {
      const { [field]: _, ...rest } = message;
      return [`no ${field}`, rest];
    }),
    ['an empty signature', { ...message, Signature: '' }],
    ...['3', '0', '', '1.0', 1, 2, null].map((SignatureVersion): [string, unknown] => [
      `signature version ${JSON.stringify(SignatureVersion)}`,
      { ...message, SignatureVersion },
    ]),
    ['a certificate of another host', at(`https://evil.example/${file}`)],
    ['a certificate of a host that begins right', at(`https://${host}.evil.example/${file}`)],
    ['a certificate of a host that ends right', at(`https://evil-${host}/${file}`)],
    ['a certificate of another service', at(`https://s3.amazonaws.com/${file}`)],
    ['a certificate of a host behind a user', at(`https://${host}@evil.example/${file}`)],
    ['a certificate at a port', at(`https://${host}:8443/${file}`)],
    ['a certificate by http', at(`http://${host}/${file}`)],
    ['a certificate that is no .pem', at(`https://${host}/${file}.txt`)],
    ['no address of a certificate', at('')],
    ['no JSON', 'hello'],
    ['a list', [message]],
  ];
}

/** Names of those that one of the two believed, or refused for another reason than its signature. */
async function undetected(channel: Channel, message: Message): Promise<string[]> {
  const found: string[] = [];
  for (const [name, forged] of forgeries(message)) {
    const said = await bothSay(channel, forged);
    if (said.judge !== badSignature.judge || said.ours !== badSignature.ours)
      found.push(`${name}: ${JSON.stringify(said)}`);
  }
  for (const [name, malformed] of malformations(message)) {
    const said = await bothSay(channel, malformed);
    if (said.judge === 'yes' || said.ours === 'yes') found.push(`${name}: ${JSON.stringify(said)}`);
  }
  return found;
}

// --------------------------------------------------------------------------------------------- messages of our own

const topicArn = 'arn:aws:sns:eu-west-1:123456789012:invsync-orders';
const host = 'sns.eu-west-1.amazonaws.com';
const file = (digit: string) => `SimpleNotificationService-${digit.repeat(32)}.pem`;
const certUrl = `https://${host}/${file('a')}`;

/** Signs after the AWS text, written apart from both verifiers; `fields` says which fields, in order. */
function sign(
  message: Message,
  version: '1' | '2',
  options: { key?: string; fields?: string[] } = {},
): Message {
  const usual =
    message['Type'] === 'Notification'
      ? ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type']
      : ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'];
  const present = (options.fields ?? usual).filter((field) => message[field] != null);
  const text = present.map((field) => `${field}\n${String(message[field])}\n`).join('');
  const signer = createSign(version === '1' ? 'RSA-SHA1' : 'RSA-SHA256').update(text, 'utf8');
  const Signature = signer.sign(pem(options.key ?? 'signing-key.pem'), 'base64');
  return { ...message, SignatureVersion: version, Signature };
}

const notification: Message = {
  Type: 'Notification',
  MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
  TopicArn: topicArn,
  Message: '{"NotificationType":"ORDER_CHANGE","Payload":{}}',
  Timestamp: '2026-11-23T09:59:58.000Z',
  SigningCertURL: certUrl,
  UnsubscribeURL: `https://${host}/?Action=Unsubscribe`,
};
const confirmation: Message = {
  Type: 'SubscriptionConfirmation',
  MessageId: '165545c9-2a5c-472c-8df2-7ff2be2b3b1b',
  Token: '2336412f37fb687f5d51e6e2425c464de257eb8f',
  TopicArn: topicArn,
  Message: `You have chosen to subscribe to the topic ${topicArn}.\nTo confirm the subscription, visit the SubscribeURL.`,
  SubscribeURL: `https://${host}/?Action=ConfirmSubscription&TopicArn=${topicArn}&Token=2336412f37fb687f5d51e6e2425c464de257eb8f`,
  Timestamp: '2026-11-23T09:59:58.000Z',
  SigningCertURL: certUrl,
};
const kinds: [name: string, message: Message][] = [
  ['a notification without a subject', notification],
  ['a notification with a subject', { ...notification, Subject: 'Orders' }],
  ['a notification with an empty subject', { ...notification, Subject: '' }],
  [
    'a notification of many characters',
    { ...notification, Subject: 'Größe ☂', Message: `ünïcode 👗\n"quoted"\t\\u00e9\r\n${'é'.repeat(2_000)}` },
  ],
  ['an empty notification', { ...notification, Message: '' }],
  ['the confirmation of a subscription', confirmation],
];

describe('sns-validator and our verifier, about messages signed with node:crypto', () => {
  const certificates = createServer((request, response) => {
    const other = request.url?.includes(file('b')) === true;
    response.writeHead(200, { 'content-type': 'application/x-pem-file' });
    response.end(pem(other ? 'other-cert.pem' : 'signing-cert.pem'));
  });
  let channel: Channel;
  let wire: Wire;

  beforeAll(async () => {
    await new Promise<void>((resolve) => certificates.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(certificates.address() as AddressInfo).port}`;
    wire = wireTo(url);
    https.globalAgent = wire.agent;
    channel = open(
      {
        client_id: 'amzn1.application-oa2-client.test',
        client_secret: 'a secret of no account',
        refresh_token: 'Atzr|none',
        seller_id: 'A1EXAMPLE',
        region: 'eu',
        marketplaces: ['A1PA6795UKMFR9'],
        sns: { topics: [topicArn, otherTopic(topicArn)] },
        cert_url_override: url,
      },
      () => now,
    );
  });
  afterAll(async () => {
    https.globalAgent = usualAgent;
    await channel.close();
    certificates.closeAllConnections();
    await new Promise((resolve) => certificates.close(resolve));
  });

  const cases = kinds.flatMap(([name, message]) =>
    (['1', '2'] as const).map((version): [string, Message] => [
      `${name} under signature version ${version}`,
      sign(message, version),
    ]),
  );

  test.each(cases)('believe %s', async (_, message) => {
    expect(await bothSay(channel, message)).toEqual({ judge: 'yes', ours: 'yes' });
    // The judge was really asked: it fetched the certificate from the host that the message names.
    expect([...wire.hosts]).toContain(host);
  });

  test.each(cases)('refuse %s in every altered form', async (_, message) => {
    expect(forgeries(message).length).toBeGreaterThan(16);
    expect(malformations(message).length).toBeGreaterThan(40);
    expect(await undetected(channel, message)).toEqual([]);
  });

  test.each(['1', '2'] as const)('refuse what another key signed under version %s', async (version) => {
    const stranger = sign(notification, version, { key: 'other-key.pem' });
    expect(await bothSay(channel, stranger)).toEqual(badSignature);
    const swapped = sign({ ...notification, SigningCertURL: `https://${host}/${file('b')}` }, version);
    expect(await bothSay(channel, swapped)).toEqual(badSignature);
  });

  test('refuse the signature of another message of the same topic', async () => {
    const other = sign({ ...notification, MessageId: '00000000-0000-4000-8000-000000000000' }, '2');
    const message = { ...sign(notification, '2'), Signature: other['Signature'] };
    expect(await bothSay(channel, message)).toEqual(badSignature);
  });

  test('believe a notification whose subject is null, as a queue or a function would show it', async () => {
    const message = sign({ ...notification, Subject: null }, '1');
    expect(await bothSay(channel, message)).toEqual({ judge: 'yes', ours: 'yes' });
  });

  // The judge asks only for some SNS host and a path that ends in .pem; ours binds the file to the topic's own region.
  test.each([
    ['another region', `https://sns.us-east-1.amazonaws.com/${file('a')}`],
    ['another partition', `https://${host}.cn/${file('a')}`],
    ['a file name of no certificate of SNS', `https://${host}/cert.pem`],
    ['a folder', `https://${host}/folder/${file('a')}`],
    ['a query that ends in .pem', `https://${host}/?Action=Publish&x=.pem`],
    ['a user in the address', `https://user:pw@${host}/${file('a')}`],
  ])('differ about a certificate of %s: the judge is lenient by design, ours says no', async (_, url) => {
    const said = await bothSay(channel, sign({ ...notification, SigningCertURL: url }, '2'));
    expect(said).toEqual({ judge: 'yes', ours: 'its certificate is not on the SNS host of the topic' });
  });

  test.each([
    ['a space behind it', (text: string) => `${text} `],
    ['a line break inside', (text: string) => `${text.slice(0, 76)}\n${text.slice(76)}`],
    ['its padding left out', (text: string) => text.replace(/=+$/, '')],
    ['the alphabet of addresses', (text: string) => text.replaceAll('+', '-').replaceAll('/', '_')],
  ])(
    'differ about a signature with %s: the judge takes any base64, ours one spelling only',
    async (_, spell) => {
      const message = sign(notification, '2');
      const spelt = { ...message, Signature: spell(String(message['Signature'])) };
      expect(spelt.Signature).not.toBe(message['Signature']);
      expect(await bothSay(channel, spelt)).toEqual({ judge: 'yes', ours: badSignature.ours });
    },
  );

  test('differ about topics: the judge believes any topic of SNS, ours only those that are configured', async () => {
    const message = sign({ ...notification, TopicArn: 'arn:aws:sns:eu-west-1:999999999999:evil' }, '2');
    expect(await bothSay(channel, message)).toEqual({
      judge: 'yes',
      ours: 'the topic is not among sns.topics',
    });
  });

  test('differ about an old confirmation and a foreign SubscribeURL: the judge looks at neither', async () => {
    const old = sign({ ...confirmation, Timestamp: '2026-11-01T00:00:00.000Z' }, '2');
    expect(await bothSay(channel, old)).toEqual({
      judge: 'yes',
      ours: 'the confirmation is too old, or of the future',
    });
    const foreign = sign({ ...confirmation, SubscribeURL: 'http://169.254.169.254/' }, '2');
    expect(await bothSay(channel, foreign)).toEqual({
      judge: 'yes',
      ours: 'its SubscribeURL is not the confirmation of its topic',
    });
  });

  // The signed text has no lengths, so that a subject can be told as lines of the id before it: the same text, another
  // id. That is a weakness of SNS which the judge shares. No id of SNS has lines, and ours goes by the id to tell copies.
  test('differ about a subject that is folded into the id: the judge believes it, ours should say no', async () => {
    const { Subject, ...rest } = sign({ ...notification, Subject: 'Orders' }, '2');
    const folded = { ...rest, MessageId: `${String(rest['MessageId'])}\nSubject\n${String(Subject)}` };
    const said = await bothSay(channel, folded);
    if (said.judge !== 'yes') return;
    expect(said.ours).not.toBe('yes');
  });

  // The AWS text lists the fields of a notification without SubscribeURL. Ours reads no such field there at all.
  test('differ about a SubscribeURL added to a notification: the judge signs it, ours neither signs nor reads it', async () => {
    const message = { ...sign(notification, '2'), SubscribeURL: 'https://evil.example/' };
    expect(await bothSay(channel, message)).toEqual({ judge: badSignature.judge, ours: 'yes' });
  });

  // The AWS text (quoted in aws-js-sns-message-validator, pull request 4) signs the Token of both confirmations; 0.3.5
  // takes the list of a notification for everything but a SubscriptionConfirmation. Ours follows the text.
  test('differ about the end of a subscription: the judge forgets its Token, which the AWS text signs', async () => {
    const end = { ...confirmation, Type: 'UnsubscribeConfirmation' };
    expect(await bothSay(channel, sign(end, '2'))).toEqual({ judge: badSignature.judge, ours: 'yes' });
    const fields = ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'TopicArn', 'Type'];
    const short = sign(end, '2', { fields });
    expect(await bothSay(channel, short)).toEqual({ judge: 'yes', ours: badSignature.ours });
  });
});

// --------------------------------------------------------------------------------------- messages of the sandbox shop

describe.each(['1', '2'] as const)(
  'sns-validator and our verifier, about the sandbox shop under signature version %s',
  (version) => {
    let world: World;
    let receiver: Receiver;
    let channel: Channel;

    beforeEach(async () => {
      world = await startWorld({ signatureVersion: version });
      receiver = await startReceiver();
      https.globalAgent = wireTo(world.shop.url).agent;
      const { type: _, mode: __, base_url: ___, ...config } = world.shop.channelConfig();
      const { arn } = world.shop.topic;
      channel = open({ ...config, sns: { topics: [arn, otherTopic(arn)] } }, world.now);
    });
    afterEach(async () => {
      https.globalAgent = usualAgent;
      await channel.close();
    });

    const last = (): string => receiver.got.at(-1)?.text ?? '';
    const subscribe = async () => {
      await world.shop.topic.subscribe(receiver.url);
      const asked = last();
      const { pathname, search } = new URL(JSON.parse(asked).SubscribeURL);
      expect((await send(`${world.shop.url}${pathname}${search}`)).status).toBe(200);
      world.shop.connect();
      return asked;
    };
    const sell = async () => {
      receiver.got.length = 0;
      world.sell('SKU-1', 1);
      await world.shop.settle();
      expect(receiver.got.length).toBeGreaterThan(0);
      return receiver.got.map(({ text }) => text);
    };

    test('believe its confirmation and its notifications, byte by byte as they came', async () => {
      for (const text of [await subscribe(), ...(await sell())]) {
        expect(JSON.parse(text).SignatureVersion).toBe(version);
        expect(await bothSay(channel, text)).toEqual({ judge: 'yes', ours: 'yes' });
      }
    });

    test('refuse them in every altered form', async () => {
      const [asked, [told = '']] = [await subscribe(), await sell()];
      for (const text of [asked, told]) expect(await undetected(channel, JSON.parse(text))).toEqual([]);
    });

    test('refuse what the shop itself spoils', async () => {
      await subscribe();
      world.shop.fault({ name: 'bad_signature' });
      for (const text of await sell()) expect(await bothSay(channel, text)).toEqual(badSignature);
    });

    test('differ about its end of a subscription, whose Token the judge forgets', async () => {
      await subscribe();
      const [subscription] = world.shop.topic.subscriptions();
      const query = new URLSearchParams({ Action: 'Unsubscribe', SubscriptionArn: subscription?.arn ?? '' });
      receiver.got.length = 0;
      expect((await send(`${world.shop.url}/?${query}`)).status).toBe(200);
      await expect.poll(() => receiver.got.length).toBe(1);
      expect(JSON.parse(last()).Type).toBe('UnsubscribeConfirmation');
      expect(await bothSay(channel, last())).toEqual({ judge: badSignature.judge, ours: 'yes' });
    });
  },
);
