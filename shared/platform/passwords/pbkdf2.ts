import { pbkdf2 as pbkdf2WithCallback, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { textSalt } from './text-salt.ts';

/**
 * PBKDF2 with HMAC-SHA-256 as Django and Werkzeug write it. Both read any number of rounds; OWASP asks for this many, which
 * is also what Django 4.2 and Werkzeug 2.3 to 3.0 write. Later ones write more.
 */
const rounds = 600_000;
const keyBytes = 32;
const pbkdf2 = promisify(pbkdf2WithCallback);

const keyOf = (password: string, salt: string, iterations: number): Promise<Buffer> =>
  pbkdf2(password, salt, iterations, keyBytes, 'sha256');

/** How one of them writes rounds, salt and key. */
interface Notation {
  saltLength: number;
  encoding: 'base64' | 'hex';
  write(rounds: number, salt: string, key: string): string;
  /** With the groups rounds, salt and key. */
  pattern: RegExp;
}

const hasherIn = ({ saltLength, encoding, write, pattern }: Notation) => ({
  async hash(password: string): Promise<string> {
    const salt = textSalt(saltLength);
    return write(rounds, salt, (await keyOf(password, salt, rounds)).toString(encoding));
  },
  async verify(stored: string, password: string): Promise<boolean> {
    const [, iterations, salt, key] = pattern.exec(stored) ?? [];
    if (salt === undefined || key === undefined) return false;
    return timingSafeEqual(await keyOf(password, salt, Number(iterations)), Buffer.from(key, encoding));
  },
});

/** Django's default: `pbkdf2_sha256$<rounds>$<salt>$<base64>`, with 22 characters of salt. */
export const djangoPbkdf2 = hasherIn({
  saltLength: 22,
  encoding: 'base64',
  write: (iterations, salt, key) => `pbkdf2_sha256$${iterations}$${salt}$${key}`,
  pattern: /^pbkdf2_sha256\$([1-9]\d{0,8})\$([^$]+)\$([A-Za-z0-9+/]{43}=)$/,
});

/** `pbkdf2:sha256:<rounds>$<salt>$<hex>`, Werkzeug's default before 3.0. */
export const werkzeugPbkdf2 = hasherIn({
  saltLength: 16,
  encoding: 'hex',
  write: (iterations, salt, key) => `pbkdf2:sha256:${iterations}$${salt}$${key}`,
  pattern: /^pbkdf2:sha256:([1-9]\d{0,8})\$([^$]+)\$([0-9a-f]{64})$/,
});
