import { scrypt as scryptWithCallback, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import bcrypt from 'bcrypt';
import { hashPassword, verifyPassword } from './password.ts';
import { djangoPbkdf2, werkzeugPbkdf2 } from './pbkdf2.ts';
import { textSalt } from './text-salt.ts';

/**
 * The ways in which applications keep passwords, by the names of `shared/contracts/user-mapping.ts`. Each hashes in
 * libuv's thread pool, at the cost that OWASP's Password Storage Cheat Sheet asks for, and verifies what it made.
 */
export interface PasswordHasher {
  hash(password: string): Promise<string>;
  verify(stored: string, password: string): Promise<boolean>;
  /** What more the format would leave out without a word, in bytes of UTF-8; undefined for no limit. */
  readonly maxBytes?: number;
}

const argon2id: PasswordHasher = { hash: hashPassword, verify: verifyPassword };

/** 2^12 rounds: some 0.3 s. */
const bcryptCost = 12;
const bcryptHasher: PasswordHasher = {
  hash: password => bcrypt.hash(password, bcryptCost),
  verify: (stored, password) => bcrypt.compare(password, stored),
  maxBytes: 72,
};

const scrypt = promisify<string, string, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(
  scryptWithCallback,
);

/** Werkzeug 3's default, `scrypt:32768:8:1$<salt>$<hex>`: the salt counts as text, the key has 64 bytes; 32 MiB a hash. */
const werkzeugScrypt: PasswordHasher = {
  async hash(password) {
    const salt = textSalt(16);
    return `scrypt:32768:8:1$${salt}$${(await scryptKey(password, salt, [32_768, 8, 1])).toString('hex')}`;
  },
  async verify(stored, password) {
    const [, n, r, p, salt, hex] = /^scrypt:(\d+):(\d+):(\d+)\$([^$]+)\$([0-9a-f]{128})$/.exec(stored) ?? [];
    if (salt === undefined || hex === undefined) return false;
    const key = await scryptKey(password, salt, [Number(n), Number(r), Number(p)]);
    return timingSafeEqual(key, Buffer.from(hex, 'hex'));
  },
};

const scryptKey = (password: string, salt: string, [N, r, p]: [number, number, number]): Promise<Buffer> =>
  scrypt(password, salt, 64, { N, r, p, maxmem: 132 * N * r * p }); // as Werkzeug has it

export const passwordHashers = {
  argon2id,
  bcrypt: bcryptHasher,
  'werkzeug-scrypt': werkzeugScrypt,
  'werkzeug-pbkdf2': werkzeugPbkdf2,
  'django-pbkdf2': djangoPbkdf2,
} satisfies Record<string, PasswordHasher>;
