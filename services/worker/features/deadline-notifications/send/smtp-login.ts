import type { SendResult } from './result.ts';
import { explain, isLoginRefused } from './smtp-errors.ts';

/**
 * The login to the mail server, tried by one connection before fifty try. Once it was refused for good nobody tries
 * again: servers lock out who comes with a wrong password a thousand times. The messages fail, and a later run tells.
 */
export function createLogin(transport: { verify(): Promise<unknown> }, smtpUrl: string) {
  let refused: SendResult | undefined;
  let isIn = URL.parse(smtpUrl)?.username === ''; // there is no login
  let trying: Promise<SendResult | undefined> | undefined;

  function judge(error: unknown): void {
    if (isLoginRefused(error)) refused = explain(error, false);
  }

  async function logIn(): Promise<SendResult | undefined> {
    try {
      await transport.verify();
      isIn = true;
      return undefined;
    } catch (error) {
      judge(error);
      return explain(error, false);
    } finally {
      trying = undefined;
    }
  }

  return {
    /** What to say of a message that there is no use in trying to send; undefined when there is. */
    async refusal(): Promise<SendResult | undefined> {
      if (refused !== undefined || isIn) return refused;
      trying ??= logIn();
      return trying;
    },
    /** Looks whether a connection was refused since. */
    judge,
  };
}
