import { messageOf } from '../../../../../shared/kernel/errors.ts';
import type { SendResult } from './result.ts';

/** Whether the server refused the login for good: a name or password is wrong, or it takes none of this kind. */
export function isLoginRefused(error: unknown): boolean {
  const { responseCode = 500, code } = smtpFields(error);
  return code === 'EAUTH' && responseCode >= 500;
}

/** What an error of nodemailer says of the message. @param handedOver whether the whole message was on its way when it failed */
export function explain(error: unknown, handedOver: boolean): SendResult {
  const { responseCode, code } = smtpFields(error);
  const detail = messageOf(error).slice(0, 500);
  if (responseCode !== undefined && responseCode >= 500)
    return { status: 'failed', code: `smtp_${responseCode}`, detail };
  if (responseCode !== undefined) return { status: 'pending', code: `smtp_${responseCode}`, detail };
  if (code === 'EENVELOPE' || code === 'EMESSAGE')
    return { status: 'failed', code: 'invalid_message', detail };
  if (handedOver) return { status: 'unknown', code: 'smtp_connection_lost', detail };
  return { status: 'pending', code: 'smtp_unreachable', detail };
}

function smtpFields(error: unknown): { responseCode: number | undefined; code: string | undefined } {
  if (!(error instanceof Error)) return { responseCode: undefined, code: undefined };
  const responseCode = 'responseCode' in error ? Number(error.responseCode) : Number.NaN;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return { responseCode: Number.isNaN(responseCode) ? undefined : responseCode, code };
}
