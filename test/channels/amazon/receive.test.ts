import { createSign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { isCertUrl, isSubscribeUrl } from '../../../src/channels/amazon/receive.ts';
import type { HookRequest, Receipt } from '../../../src/channels/channel.ts';
import { calm } from '../../kit/stage.ts';
import {
  bytesOf,
  fixture,
  orderChange,
  type Script,
  type Scripted,
  scripted,
  topicArn,
} from './scripted-amazon.ts';

const hex = 'a'.repeat(32);
const certUrl = `https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-${hex}.pem`;
const served: Script = {
  certificate: [{ text: fixture('signing-cert.pem') }],
  ConfirmSubscription: [{ text: '<ok/>' }],
};

type Message = Record<string, unknown>;

/** Signs as AWS does, written apart from the verifier: explicit field lists per type. */
function signed(message: Message, options: { key?: string; version?: '1' | '2' } = {}): Message {
  const version = options.version ?? '2';
  const names =
    message['Type'] === 'Notification'
      ? ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type']
      : ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'];
  let text = '';
  for (const name of names) if (message[name] != null) text += `${name}\n${String(message[name])}\n`;
  const sign = createSign(version === '1' ? 'RSA-SHA1' : 'RSA-SHA256').update(text);
  return {
    ...message,
    SignatureVersion: version,
    Signature: sign.sign(fixture(options.key ?? 'signing-key.pem'), 'base64'),
  };
}

function notification(over: Message = {}): Message {
  return {
    Type: 'Notification',
    MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
    TopicArn: topicArn,
    Message: JSON.stringify(orderChange({ id: 'n-1' })),
    Timestamp: '2026-11-23T09:59:58.000Z',
    SigningCertURL: certUrl,
    UnsubscribeURL: 'https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe',
    ...over,
  };
}

function confirmation(over: Message = {}): Message {
  return {
    Type: 'SubscriptionConfirmation',
    MessageId: '165545c9-2a5c-472c-8df2-7ff2be2b3b1b',
    Token: '2336412f37fb687f5d51e6e2425c464de257eb8f',
    TopicArn: topicArn,
    Message: 'You have chosen to subscribe',
    SubscribeURL: `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${topicArn}&Token=2336412f37fb687f5d51e6e2425c464de257eb8f`,
    Timestamp: '2026-11-23T09:59:58.000Z',
    SigningCertURL: certUrl,
    ...over,
  };
}

function request(message: unknown, headers: Record<string, string> = {}): HookRequest {
  const type = (message as Message)['Type'];
  return {
    method: 'POST',
    path: '',
    query: '',
    headers: {
      'content-type': 'text/plain; charset=UTF-8',
      ...(typeof type === 'string' ? { 'x-amz-sns-message-type': type } : {}),
      ...headers,
    },
    body: bytesOf(message),
    receivedAt: 0,
  };
}

/** As the receiver does it: a key that is not known yet is loaded, and asked for once more. */
async function knock({ channel }: Pick<Scripted, 'channel'>, hook: HookRequest): Promise<Receipt> {
  const receipt = channel.receive(hook);
  if (receipt.kind !== 'needs') return receipt;
  await receipt.load(calm);
  return channel.receive(hook);
}

describe('messages of SNS', () => {
  test.each(['1', '2'] as const)(
    'with signature version %s are believed, with and without a subject',
    async (version) => {
      const world = await scripted(served);
      for (const over of [
        {},
        { Subject: null },
        { Subject: 'hello' },
        { Message: `ünïcode\n"quoted" \\u00e9 ${'x'.repeat(1_000)}` },
      ]) {
        const receipt = await knock(world, request(signed(notification(over), { version })));
        expect(receipt.kind).toBe('deliveries');
      }
      expect(world.of('certificate').length).toBe(1);
    },
  );

  test('are kept byte by byte under the id that every retry repeats', async () => {
    const world = await scripted(served);
    const hook = request(signed(notification()));
    const keys = new Set<string>();
    for (let copy = 0; copy < 50; copy += 1) {
      const receipt = await knock(world, hook);
      if (receipt.kind !== 'deliveries') throw new Error(receipt.kind);
      const [delivery] = receipt.deliveries;
      expect(Buffer.from(delivery?.body ?? []).equals(hook.body)).toBe(true);
      expect(delivery?.kind).toBe('ORDER_CHANGE');
      keys.add(delivery?.key ?? '');
    }
    expect([...keys]).toEqual(['sns:22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324']);
  });

  const good = signed(notification());
  test.each([
    ['another message', { ...good, Message: '{}' }],
    ['an added subject', { ...good, Subject: 'x' }],
    ['another time', { ...good, Timestamp: '2026-11-23T09:59:59.000Z' }],
    ['another id', { ...good, MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf325' }],
    ['another version', { ...good, SignatureVersion: '1' }],
    ['an unknown version', { ...good, SignatureVersion: '3' }],
    ['no signature', { ...good, Signature: '' }],
    ['a garbled signature', { ...good, Signature: '!!!' }],
    ['a signature that is not canonical', { ...good, Signature: `${String(good['Signature'])} ` }],
    ['the key of somebody else', signed(notification(), { key: 'other-key.pem' })],
    ['another type', { ...good, Type: 'UnsubscribeConfirmation', Token: 't', SubscribeURL: 'u' }],
    ['no type', { ...good, Type: undefined }],
    ['nothing', {}],
    ['a list', [good]],
  ])('with %s are refused with 403', async (_, message) => {
    const world = await scripted(served);
    const { 'x-amz-sns-message-type': __, ...headers } = request(message).headers;
    const receipt = await knock(world, { ...request(message), headers });
    expect(receipt).toMatchObject({ kind: 'refused', status: 403 });
  });

  test('of a topic that is not listed are refused before anything is asked of anybody', async () => {
    const world = await scripted(served);
    const wrong = topicArn.replace('invsync-orders', 'other-topic');
    const receipt = await knock(world, request(signed(notification({ TopicArn: wrong }))));
    expect(receipt).toMatchObject({ kind: 'refused', status: 403 });
    const header = await knock(world, request(signed(notification()), { 'x-amz-sns-topic-arn': wrong }));
    expect(header).toMatchObject({ kind: 'refused', status: 403 });
    expect(world.received).toEqual([]);
  });

  test('by raw delivery carry no signature and are refused', async () => {
    const world = await scripted(served);
    const hook = request(orderChange({}), { 'x-amz-sns-rawdelivery': 'true' });
    expect(await knock(world, hook)).toMatchObject({ kind: 'refused', status: 403 });
    expect(world.received).toEqual([]);
  });

  test('are refused when no topics are configured, and by any other method', async () => {
    const world = await scripted(served, { config: { sns: undefined } });
    expect(await knock(world, request(signed(notification())))).toMatchObject({
      kind: 'refused',
      status: 403,
    });
    const other = await scripted(served);
    for (const method of ['GET', 'PUT', 'HEAD'])
      expect(other.channel.receive({ ...request(signed(notification())), method })).toMatchObject({
        status: 405,
      });
  });
});

describe('the certificate', () => {
  const forged: [string, string][] = [
    ['another host', `https://evil.example/SimpleNotificationService-${hex}.pem`],
    [
      'a host that only begins right',
      `https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-${hex}.pem`,
    ],
    [
      'a host that only ends right',
      `https://evil-sns.eu-west-1.amazonaws.com/SimpleNotificationService-${hex}.pem`,
    ],
    ['a bucket', `https://sns.eu-west-1.amazonaws.com.s3.amazonaws.com/SimpleNotificationService-${hex}.pem`],
    ['another service', `https://s3.eu-west-1.amazonaws.com/SimpleNotificationService-${hex}.pem`],
    [
      'another region than the topic',
      `https://sns.us-east-1.amazonaws.com/SimpleNotificationService-${hex}.pem`,
    ],
    ['another partition', `https://sns.eu-west-1.amazonaws.com.cn/SimpleNotificationService-${hex}.pem`],
    ['http', `http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-${hex}.pem`],
    ['a port', `https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-${hex}.pem`],
    ['even the usual port', `https://sns.eu-west-1.amazonaws.com:443/SimpleNotificationService-${hex}.pem`],
    ['a user', `https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-${hex}.pem`],
    ['a user in front', `https://user:pw@sns.eu-west-1.amazonaws.com/SimpleNotificationService-${hex}.pem`],
    ['another path', `https://sns.eu-west-1.amazonaws.com/other/SimpleNotificationService-${hex}.pem`],
    ['a path that climbs', `https://sns.eu-west-1.amazonaws.com/../SimpleNotificationService-${hex}.pem`],
    ['another file', 'https://sns.eu-west-1.amazonaws.com/evil.pem'],
    ['too few digits', `https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-${hex.slice(1)}.pem`],
    ['a query', `https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-${hex}.pem?x=1`],
    [
      'a query that redirects',
      'https://sns.eu-west-1.amazonaws.com/?Action=Redirect&url=http://evil.example/a.pem',
    ],
    ['a fragment', `https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-${hex}.pem#x`],
    ['a line break', `https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-${hex}.pem\n`],
    ['a tab in the host', `https://sns.eu-west-1.amazon\taws.com/SimpleNotificationService-${hex}.pem`],
    ['backslashes', `https:\\\\sns.eu-west-1.amazonaws.com\\SimpleNotificationService-${hex}.pem`],
    ['capitals', certUrl.toUpperCase()],
    ['a file on this machine', 'file:///etc/passwd'],
    ['nothing', ''],
  ];

  test.each(forged)('at %s is never fetched: 403', async (_, SigningCertURL) => {
    const world = await scripted(served);
    const receipt = await knock(world, request(signed(notification({ SigningCertURL }))));
    expect(receipt).toMatchObject({ kind: 'refused', status: 403 });
    expect(world.received).toEqual([]);
    expect(isCertUrl(SigningCertURL, topicArn)).toBe(false);
  });

  test('may be on the host of the topic’s own region and partition only', () => {
    expect(isCertUrl(certUrl, topicArn)).toBe(true);
    const china = 'arn:aws-cn:sns:cn-north-1:123456789012:t';
    expect(
      isCertUrl(`https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-${hex}.pem`, china),
    ).toBe(true);
    expect(
      isCertUrl(`https://sns.cn-north-1.amazonaws.com/SimpleNotificationService-${hex}.pem`, china),
    ).toBe(false);
  });

  test('is fetched once for all who wait, and kept', async () => {
    const world = await scripted(served);
    const hook = request(signed(notification()));
    const needs = [1, 2, 3, 4].map(() => world.channel.receive(hook));
    await Promise.all(needs.map((receipt) => (receipt.kind === 'needs' ? receipt.load(calm) : undefined)));
    for (let at = 0; at < 10; at += 1) expect(world.channel.receive(hook).kind).toBe('deliveries');
    expect(world.of('certificate').length).toBe(1);
  });

  test.each([
    ['that is a redirect', { status: 302, headers: { location: 'http://127.0.0.1:9/cert.pem' } }],
    ['that is not there', { status: 404 }],
    ['that is no certificate', { text: 'hello' }],
    ['that holds no RSA key', { text: fixture('ec-cert.pem') }],
    ['that is far too large', { text: fixture('signing-cert.pem') + ' '.repeat(20_000) }],
  ])('%s refuses the message with 403, and is not asked for again at once', async (_, reply) => {
    const world = await scripted({ ...served, certificate: [reply] });
    const hook = request(signed(notification()));
    for (let at = 0; at < 5; at += 1)
      expect(await knock(world, hook)).toMatchObject({ kind: 'refused', status: 403 });
    expect(world.of('certificate').length).toBe(1);
  });

  test.each(['hang up', { status: 500 }, { status: 503 }] as const)(
    'that cannot be had just now (%j) is our own trouble: no 4xx, and one fetch for a while',
    async (reply) => {
      const world = await scripted({ ...served, certificate: [reply] });
      const hook = request(signed(notification()));
      for (let at = 0; at < 5; at += 1) expect((await knock(world, hook)).kind).toBe('needs');
      expect(world.of('certificate').length).toBe(1);
      world.clock.pass(6_000);
      await knock(world, hook);
      expect(world.of('certificate').length).toBe(2);
    },
  );

  test('that is not valid any more verifies nothing', async () => {
    const world = await scripted(served);
    const hook = request(signed(notification()));
    expect((await knock(world, hook)).kind).toBe('deliveries');
    world.clock.pass(101 * 365 * 86_400_000);
    expect(await knock(world, hook)).toMatchObject({ kind: 'refused', status: 403 });
  });

  test('goes on to serve when it cannot be fetched anew', async () => {
    const world = await scripted({
      ...served,
      certificate: [{ text: fixture('signing-cert.pem') }, { status: 503 }],
    });
    const hook = request(signed(notification()));
    await knock(world, hook);
    world.clock.pass(25 * 3_600_000);
    expect((await knock(world, hook)).kind).toBe('deliveries');
    expect(world.of('certificate').length).toBe(2);
  });

  test('a flood of invented file names costs ten requests a minute and does not push out the real one', async () => {
    const world = await scripted({
      ...served,
      certificate: (received) =>
        received.path.includes(hex) ? { text: fixture('signing-cert.pem') } : { status: 404 },
    });
    const real = request(signed(notification()));
    expect((await knock(world, real)).kind).toBe('deliveries');
    for (let at = 0; at < 200; at += 1) {
      const file = at.toString(16).padStart(32, '0');
      const SigningCertURL = `https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-${file}.pem`;
      const { kind } = await knock(world, request(signed(notification({ SigningCertURL }))));
      expect(['refused', 'needs']).toContain(kind);
    }
    expect(world.of('certificate').length).toBe(10);
    expect((await knock(world, real)).kind).toBe('deliveries');
  });
});

describe('a subscription', () => {
  async function complete(receipt: Receipt): Promise<void> {
    if (receipt.kind !== 'handshake' || receipt.complete === undefined)
      throw new Error(`no handshake: ${receipt.kind}`);
    expect(receipt.status).toBe(200);
    await receipt.complete(calm);
  }

  test('is confirmed by a call that is made from topic and token alone', async () => {
    const world = await scripted(served);
    await complete(await knock(world, request(signed(confirmation()))));
    const [call] = world.of('ConfirmSubscription');
    expect(Object.fromEntries(call?.query ?? [])).toEqual({
      Action: 'ConfirmSubscription',
      TopicArn: topicArn,
      Token: '2336412f37fb687f5d51e6e2425c464de257eb8f',
    });
  });

  test('that is confirmed is not confirmed again by a replay', async () => {
    const world = await scripted(served);
    const hook = request(signed(confirmation()));
    for (let at = 0; at < 3; at += 1) await complete(await knock(world, hook));
    expect(world.of('ConfirmSubscription').length).toBe(1);
  });

  test('that SNS did not confirm may be tried again', async () => {
    const world = await scripted({ ...served, ConfirmSubscription: [{ status: 500 }, { text: '<ok/>' }] });
    const hook = request(signed(confirmation()));
    await expect(complete(await knock(world, hook))).rejects.toMatchObject({ kind: 'retry' });
    await complete(await knock(world, hook));
    expect(world.of('ConfirmSubscription').length).toBe(2);
  });

  test.each(['2026-11-19T09:59:58.000Z', '2026-11-23T12:00:00.000Z', 'never'])(
    'whose confirmation was signed at %s is a replay',
    async (Timestamp) => {
      const world = await scripted(served);
      const receipt = await knock(world, request(signed(confirmation({ Timestamp }))));
      expect(receipt).toMatchObject({ kind: 'refused', status: 403 });
      expect(world.of('ConfirmSubscription')).toEqual([]);
    },
  );

  test.each([
    'http://169.254.169.254/latest/meta-data/',
    'http://127.0.0.1:9/?Action=ConfirmSubscription',
    `https://evil.example/?Action=ConfirmSubscription&TopicArn=${topicArn}&Token=t`,
    `https://sns.eu-west-1.amazonaws.com@evil.example/?Action=ConfirmSubscription&TopicArn=${topicArn}&Token=t`,
    `https://sns.eu-west-1.amazonaws.com:8443/?Action=ConfirmSubscription&TopicArn=${topicArn}&Token=t`,
    `https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${topicArn}&Token=t`,
    `https://sns.eu-west-1.amazonaws.com/?Action=DeleteTopic&TopicArn=${topicArn}&Token=t`,
    'https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:eu-west-1:999999999999:x&Token=t',
    'gopher://sns.eu-west-1.amazonaws.com/',
  ])('that names %s as its address is refused, even well signed', async (SubscribeURL) => {
    const world = await scripted(served);
    const receipt = await knock(world, request(signed(confirmation({ SubscribeURL }))));
    expect(receipt).toMatchObject({ kind: 'refused', status: 403 });
    expect(isSubscribeUrl(SubscribeURL, topicArn)).toBe(false);
    expect(world.received.map(({ operation }) => operation)).toEqual(['certificate']);
  });

  test('of a topic that is not listed is never confirmed', async () => {
    const world = await scripted(served);
    const TopicArn = 'arn:aws:sns:eu-west-1:999999999999:evil';
    const receipt = await knock(world, request(signed(confirmation({ TopicArn }))));
    expect(receipt).toMatchObject({ kind: 'refused', status: 403 });
    expect(world.received).toEqual([]);
  });

  test('whose token was changed is refused', async () => {
    const world = await scripted(served);
    const message = { ...signed(confirmation()), Token: 'another' };
    expect(await knock(world, request(message))).toMatchObject({ kind: 'refused', status: 403 });
  });

  test('that somebody ended is an alert, and is not taken up again by itself', async () => {
    const world = await scripted(served);
    const message = signed(confirmation({ Type: 'UnsubscribeConfirmation' }));
    const receipt = await knock(world, request(message));
    if (receipt.kind !== 'deliveries' || receipt.deliveries[0] === undefined) throw new Error(receipt.kind);
    const fields = world.channel.fieldsOf(receipt.deliveries[0]);
    const content = world.channel.ordersIn(fields, () => undefined, {
      obtained: 'delivered',
      askedAt: 0,
      answeredAt: 0,
      attempt: 0,
    });
    expect(content).toMatchObject({ orders: [], alert: expect.stringContaining('unsubscribed') });
    expect(world.of('ConfirmSubscription')).toEqual([]);
  });
});
