import { hashAll, hashesAtOnce } from './hash-all.ts';
import { passwordHashers } from './password-formats.ts';

describe.each([
  ['argon2id', /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/],
  ['bcrypt', /^\$2b\$12\$.{53}$/],
  ['werkzeug-scrypt', /^scrypt:32768:8:1\$[A-Za-z0-9]{16}\$[0-9a-f]{128}$/],
] as const)('%s', (format, shape) => {
  const hasher = passwordHashers[format];

  it('verifies what it made, and nothing else', async () => {
    const stored = await hasher.hash('Pässwörd 1');
    expect(stored).toMatch(shape);
    expect(await hasher.verify(stored, 'Pässwörd 1')).toBe(true);
    expect(await hasher.verify(stored, 'Pässwörd 2')).toBe(false);
    expect(await hasher.verify('no hash', 'Pässwörd 1')).toBe(false);
  });
});

it('werkzeug-scrypt reads what Werkzeug wrote', async () => {
  // RFC 7914, section 12, has no vector at this cost: made by Python, hashlib.scrypt(b'TestPass123!', salt=b'saltsaltsaltsalt', ...)
  const stored = `scrypt:32768:8:1$saltsaltsaltsalt$6e97d52c91dc949916e770707b3ee88638f59b9ebc7ae6bba3b22419ff94efe1761a24b7ac98ab5bdbd7a425726e8e8720d9ec08014a11b1e03b806615e83f9e`;
  expect(await passwordHashers['werkzeug-scrypt'].verify(stored, 'TestPass123!')).toBe(true);
});

describe('many hashes', () => {
  const plain = { hash: async (password: string) => `hash of ${password}`, verify: async () => true };

  it('come in the order of their passwords', async () => {
    const options = { atOnce: 3, signal: new AbortController().signal };
    const hashes = await hashAll(plain, ['a', 'b', 'c', 'd', 'e'], options);
    expect(hashes).toEqual(['a', 'b', 'c', 'd', 'e'].map(password => `hash of ${password}`));
    expect(await hashAll(plain, [], options)).toEqual([]);
  });

  it('stop when they are told to', async () => {
    const stop = new AbortController();
    let made = 0;
    const counting = {
      ...plain,
      async hash() {
        made += 1;
        if (made === 3) stop.abort(new Error('told to'));
        return '';
      },
    };
    const hashing = hashAll(counting, Array.from({ length: 100 }, String), {
      atOnce: 1,
      signal: stop.signal,
    });
    await expect(hashing).rejects.toThrow('told to');
    expect(made).toBe(3);
  });

  it('leave a thread to others', () => {
    expect(hashesAtOnce(1)).toBe(1);
    expect(hashesAtOnce(2)).toBe(1);
  });
});
