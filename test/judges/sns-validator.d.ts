/** The part of `sns-validator` 0.3.5 that the tests call; the package brings no types. */
declare module 'sns-validator' {
  export default class MessageValidator {
    constructor(hostPattern?: RegExp, encoding?: string);
    /** Calls back with an error, or with the message; changes the object it is given. */
    validate(
      message: string | Record<string, unknown>,
      done: (error: Error | null, message?: Record<string, unknown>) => void,
    ): void;
  }
}
