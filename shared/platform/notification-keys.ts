import { createECDH, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { AppError } from '../kernel/errors.ts';
import type { Config } from './config.ts';

/** 32 bytes for one purpose, from the installation's key (HKDF, RFC 5869): no purpose's key tells another's. */
const derive = (keyHex: string, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', Buffer.from(keyHex, 'hex'), 'muster', purpose, 32));

type VapidSettings = Pick<Config, 'VAPID_PUBLIC_KEY' | 'VAPID_PRIVATE_KEY'>;

export interface VapidKeys {
  /** Uncompressed point, base64url: what a browser subscribes with. */
  publicKey: string;
  privateKey: string;
}

/** The VAPID keys (RFC 8292) of an installation that was given none: the same for as long as its key is. */
function derivedVapidKeys(keyHex: string): VapidKeys {
  for (let attempt = 0; ; attempt++) {
    const secret = derive(keyHex, `vapid-${attempt}`);
    const curve = createECDH('prime256v1');
    try {
      curve.setPrivateKey(secret);
    } catch {
      continue; // not below the order of the curve: once in 2^32
    }
    return { publicKey: curve.getPublicKey('base64url'), privateKey: secret.toString('base64url') };
  }
}

/** Signs links that a person may follow without being logged in: `<value>.<signature>`. */
export interface LinkSigner {
  sign(value: string): string;
  /** The value of a text that was signed here; undefined for any other. */
  verify(signed: string): string | undefined;
}

/** HMAC-SHA-256 cut to 128 bits, base64url. `value` must not have a dot. */
export function createLinkSigner(keyHex: string, purpose: string): LinkSigner {
  const key = derive(keyHex, `link-${purpose}`);
  const macOf = (value: string): string =>
    createHmac('sha256', key).update(value).digest().subarray(0, 16).toString('base64url');
  return {
    sign: value => `${value}.${macOf(value)}`,
    verify(signed) {
      const [value, mac = '', ...rest] = signed.split('.');
      if (value === undefined || rest.length > 0) return undefined;
      // As text: a decoder passes over characters that are none of base64url's, and the link is shown again on a page.
      const [given, expected] = [Buffer.from(mac), Buffer.from(macOf(value))];
      return given.length === expected.length && timingSafeEqual(given, expected) ? value : undefined;
    },
  };
}

/** The keys of the settings, or those derived from the installation's key. Half a pair is refused. */
export function vapidKeysOf(
  { VAPID_PUBLIC_KEY: publicKey, VAPID_PRIVATE_KEY: privateKey }: VapidSettings,
  keyHex: string,
): VapidKeys {
  if (publicKey !== undefined && privateKey !== undefined) return { publicKey, privateKey };
  if (publicKey === undefined && privateKey === undefined) return derivedVapidKeys(keyHex);
  throw new AppError('validation_failed', 'VAPID_PUBLIC_KEY and VAPID_PRIVATE_KEY go together', {
    hint: 'Set both, or neither: then they are derived from MUSTER_ENCRYPTION_KEY.',
  });
}
