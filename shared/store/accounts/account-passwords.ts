import { sql } from 'drizzle-orm';
import type { Vault } from '../../platform/crypto.ts';
import type { Executor } from '../../platform/postgres/db.ts';

/** Texts that are kept in both forms at once, while one import or export runs: users of a batch share a password. */
const maxKept = 1000;

/**
 * Seals and opens the passwords of many accounts: a text that comes again costs nothing. Short-lived: it holds
 * passwords in clear.
 */
export function createPasswordKeeper(vault: Vault) {
  const sealedOf = new Map<string, string>();
  const plainOf = new Map<string, string>();

  function keep(plain: string, sealed: string) {
    if (plainOf.size >= maxKept) {
      plainOf.clear();
      sealedOf.clear();
    }
    sealedOf.set(plain, sealed);
    plainOf.set(sealed, plain);
  }

  return {
    seal(plain: string): string {
      const known = sealedOf.get(plain);
      if (known !== undefined) return known;
      const sealed = vault.seal(plain);
      keep(plain, sealed);
      return sealed;
    },
    /** @throws AppError `secret_unreadable` */
    open(sealed: string): string {
      const known = plainOf.get(sealed);
      if (known !== undefined) return known;
      const plain = vault.open(sealed);
      keep(plain, sealed);
      return plain;
    },
  };
}
export type PasswordKeeper = ReturnType<typeof createPasswordKeeper>;

/**
 * The sealed texts for these accounts' passwords. An account that has the same password already keeps its text: every
 * sealing gives another, and the account would count as changed.
 */
export async function sealPasswords(
  db: Executor,
  keeper: PasswordKeeper,
  passwords: ReadonlyMap<string, string>,
): Promise<Map<string, string>> {
  if (passwords.size === 0) return new Map();
  const rows = await db.execute<{ username: string; sealed: string }>(sql`
    select username, sealed_password as sealed from accounts
    where username in (select jsonb_array_elements_text(${JSON.stringify([...passwords.keys()])}::jsonb))
      and sealed_password is not null`);
  const kept = new Map(rows.map(({ username, sealed }) => [username, sealed]));
  const sealedTexts = [...passwords].map(([username, plain]): [string, string] => {
    const before = kept.get(username);
    return [username, before !== undefined && keeper.open(before) === plain ? before : keeper.seal(plain)];
  });
  return new Map(sealedTexts);
}
