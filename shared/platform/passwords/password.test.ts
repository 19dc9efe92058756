import { hashPassword, verifyPassword } from './password.ts';

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

async function millisecondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

describe('passwords', () => {
  it('are stored at the cost that OWASP asks for', async () => {
    expect(await hashPassword('TestPass123!')).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$.{22}\$.{43}$/);
  });

  it('match only themselves, and two hashes of one password differ', async () => {
    const [first, second] = await Promise.all([hashPassword('pässwörd 🔑'), hashPassword('pässwörd 🔑')]);
    expect(first).not.toBe(second);
    expect(await verifyPassword(first, 'pässwörd 🔑')).toBe(true);
    expect(await verifyPassword(first, 'pässwörd')).toBe(false);
  });

  it.each(['', 'plain text', '$2b$10$abcdefghijklmnopqrstuv', '$argon2id$v=19$m=1'])(
    'match nothing when the stored hash is %j',
    async stored => {
      expect(await verifyPassword(stored, 'anything')).toBe(false);
    },
  );

  it('cost an unknown user the same work as a known one', async () => {
    const known = await hashPassword('right');
    const knownMs: number[] = [];
    const unknownMs: number[] = [];
    for (let round = 0; round < 9; round += 1) {
      knownMs.push(await millisecondsOf(() => verifyPassword(known, 'wrong')));
      unknownMs.push(await millisecondsOf(() => verifyPassword(undefined, 'wrong')));
    }
    expect(await verifyPassword(undefined, 'wrong')).toBe(false);
    // Half is far from any noise: without the decoy, the ratio is about 1 to 1000.
    expect(median(unknownMs)).toBeGreaterThan(median(knownMs) / 2);
  });

  it('are hashed off the event loop', async () => {
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 1);
    await Promise.all(Array.from({ length: 8 }, () => hashPassword('busy')));
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
  });
});
