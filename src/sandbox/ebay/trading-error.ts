import { element } from './xml.ts';

/**
 * Codes that the facts do not name (5, 37, 340, 515, 10009, 10012, 21916620, 21916799, 21919165, 21919188, 21919474,
 * 21920200) are from memory and not verified: no caller should lean on their exact value.
 */

/** One `Errors` container. `subject` names what it is about, as error parameters. */
export interface TradingError {
  code: number;
  short: string;
  long: string;
  severity: 'Error' | 'Warning';
  classification: 'RequestError' | 'SystemError';
  subject: Record<string, string>;
}

/** An error of the request. */
export function requestError(code: number, long: string, subject: Record<string, string> = {}): TradingError {
  return {
    code,
    short: long.split('. ')[0] ?? long,
    long,
    severity: 'Error',
    classification: 'RequestError',
    subject,
  };
}

/** The container as XML. */
export function errorElement(error: TradingError): string {
  const parameters = Object.entries(error.subject).map(([name, value]) =>
    element('ErrorParameters', [element('Value', value)], ` ParamID="${name}"`),
  );
  return element('Errors', [
    element('ShortMessage', error.short),
    element('LongMessage', error.long),
    element('ErrorCode', String(error.code)),
    element('SeverityCode', error.severity),
    ...parameters,
    element('ErrorClassification', error.classification),
  ]);
}

/** EBAY-5.2: any of these says that the token is no good. */
export const tokenCodes = [931, 932, 21916984, 21917053] as const;

/** EBAY-5.2: any of these says that too many calls were made. */
export const limitCodes = [218050, 218053, 218054] as const;
