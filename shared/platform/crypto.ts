import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { AppError } from '../kernel/errors.ts';

/** Encrypts and decrypts secrets at rest. */
export interface Vault {
  seal(plain: string): string;
  open(sealed: string): string;
}

const version = 'v1';

/**
 * AES-256-GCM with a random 96-bit nonce a message: `v1.<nonce>.<tag>.<ciphertext>`, base64url.
 * @param keyHex 32 bytes in hex (`MUSTER_ENCRYPTION_KEY`)
 */
export function createVault(keyHex: string): Vault {
  const key = Buffer.from(keyHex, 'hex');
  return {
    seal(plain) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      return [version, nonce, cipher.getAuthTag(), body]
        .map(part => (typeof part === 'string' ? part : part.toString('base64url')))
        .join('.');
    },
    open(sealed) {
      const [found, nonce, tag, body] = sealed.split('.');
      if (found !== version || nonce === undefined || tag === undefined || body === undefined) {
        throw new AppError('secret_unreadable', 'A stored secret is not in a known format');
      }
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64url'));
        decipher.setAuthTag(Buffer.from(tag, 'base64url'));
        return Buffer.concat([decipher.update(Buffer.from(body, 'base64url')), decipher.final()]).toString(
          'utf8',
        );
      } catch (cause) {
        throw new AppError('secret_unreadable', 'A stored secret does not open with this key', {
          hint: 'MUSTER_ENCRYPTION_KEY must be the key that was in force when the secret was stored.',
          cause,
        });
      }
    },
  };
}

/** The digest under which random tokens (API keys, sessions) are stored: they have 256 bits, so no salt or cost. */
export const tokenDigest = (token: string): string => createHash('sha256').update(token).digest('hex');

/** A digest that tells nothing without the installation's key: of texts with secrets in them, to know them again. */
export function keyedDigest(keyHex: string, text: string): string {
  const key = Buffer.from(hkdfSync('sha256', Buffer.from(keyHex, 'hex'), 'muster', 'digest', 32));
  return createHmac('sha256', key).update(text).digest('hex');
}

/** A random token of 256 bits behind a prefix that secret scanners can look for. */
export const newToken = (prefix: string): string => `${prefix}_${randomBytes(32).toString('base64url')}`;
