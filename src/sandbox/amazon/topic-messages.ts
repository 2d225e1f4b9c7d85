import { createSign } from 'node:crypto';
import { throwawayKey } from './certificate.ts';
import type { LadderName } from './ladder.ts';
import type { Site } from './site.ts';

/** What a topic tells its subscribers, and how it signs that (AMZ-2.6, AMZ-2.7, last verified 2026-11). */

/** Switches that tests turn while the shop runs. */
export interface TopicSettings {
  /** Default 1, as topics do until they are told otherwise. */
  signatureVersion: '1' | '2';
  /** How the topic retries; default `https`. */
  ladder: LadderName;
}

/** `arn`: of the subscription. */
export interface Subscriber {
  arn: string;
  endpoint: string;
  token: string;
  confirmed: boolean;
}

type Fields = Record<string, string>;

export function createMessages(site: Site, settings: TopicSettings, certificatePath: string) {
  const { awsRegion } = site.region;
  const arn = `arn:aws:sns:${awsRegion}:${site.awsAccountId}:${site.awsName}`;
  const host = `https://sns.${awsRegion}.amazonaws.com`;
  const timeNow = () => new Date(site.now()).toISOString();

  const signed = (fields: Fields): Fields => {
    const { signatureVersion } = settings;
    const algorithm = signatureVersion === '1' ? 'RSA-SHA1' : 'RSA-SHA256';
    const message = {
      ...fields,
      SignatureVersion: signatureVersion,
      Signature: createSign(algorithm).update(textToSign(fields)).sign(throwawayKey, 'base64'),
      SigningCertURL: `${host}${certificatePath}`,
    };
    return site.faults.hits('bad_signature') ? { ...message, Message: `${fields['Message']} ` } : message;
  };

  return {
    arn,
    notification(text: string, messageId: string, subscriptionArn: string): Fields {
      const message = signed({
        Type: 'Notification',
        MessageId: messageId,
        TopicArn: arn,
        Message: text,
        Timestamp: timeNow(),
      });
      const UnsubscribeURL = `${host}/?Action=Unsubscribe&SubscriptionArn=${subscriptionArn}`;
      return { ...message, UnsubscribeURL };
    },
    confirmation: ({ token }: Subscriber, type: 'SubscriptionConfirmation' | 'UnsubscribeConfirmation') =>
      signed({
        Type: type,
        MessageId: site.uuid(),
        Token: token,
        TopicArn: arn,
        Message: `You have chosen to subscribe to the topic ${arn}.\nTo confirm the subscription, visit the SubscribeURL included in this message.`,
        SubscribeURL: `${host}/?Action=ConfirmSubscription&TopicArn=${arn}&Token=${token}`,
        Timestamp: timeNow(),
      }),
    /** The call that brings a message. */
    callOf(message: Fields, { arn: subscriptionArn, endpoint }: Subscriber) {
      const headers: Fields = {
        'x-amz-sns-message-type': message['Type'] ?? '',
        'x-amz-sns-message-id': message['MessageId'] ?? '',
        'x-amz-sns-topic-arn': arn,
        ...(message['Type'] === 'SubscriptionConfirmation'
          ? {}
          : { 'x-amz-sns-subscription-arn': subscriptionArn }),
        // JSON inside, whatever this says.
        'Content-Type': 'text/plain; charset=UTF-8',
        'User-Agent': 'Amazon Simple Notification Service Agent',
      };
      const body = Buffer.from(JSON.stringify(message, null, 2));
      return { method: 'POST' as const, uri: endpoint, headers, body };
    },
  };
}

const signedKeys = {
  Notification: ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'],
  other: ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
};

/** Key and value, each on its line, in byte order of the keys; absent keys are left out. */
function textToSign(fields: Fields): string {
  const keys = fields['Type'] === 'Notification' ? signedKeys.Notification : signedKeys.other;
  return keys
    .filter((key) => fields[key] !== undefined)
    .map((key) => `${key}\n${fields[key]}\n`)
    .join('');
}
