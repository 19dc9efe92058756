import { hashAll, hashesAtOnce } from './hash-all.ts';
import { passwordHashers } from './password-formats.ts';

describe.each([
  ['argon2id', /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/],
  ['bcrypt', /^\$2b\$12\$.{53}$/],
  ['werkzeug-scrypt', /^scrypt:32768:8:1\$[A-Za-z0-9]{16}\$[0-9a-f]{128}$/],
  ['werkzeug-pbkdf2', /^pbkdf2:sha256:600000\$[A-Za-z0-9]{16}\$[0-9a-f]{64}$/],
  ['django-pbkdf2', /^pbkdf2_sha256\$600000\$[A-Za-z0-9]{22}\$[A-Za-z0-9+/]{43}=$/],
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

describe('PBKDF2', () => {
  it.each([
    ['passwd', 'salt', 1, '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc'],
    ['Password', 'NaCl', 80_000, '4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56'],
  ])('gives the vectors of RFC 7914, section 11: %s, %s, %i', async (password, salt, rounds, key) => {
    const django = `pbkdf2_sha256$${rounds}$${salt}$${Buffer.from(key, 'hex').toString('base64')}`;
    const werkzeug = `pbkdf2:sha256:${rounds}$${salt}$${key}`;
    expect(await passwordHashers['django-pbkdf2'].verify(django, password)).toBe(true);
    expect(await passwordHashers['django-pbkdf2'].verify(django, `${password} `)).toBe(false);
    expect(await passwordHashers['werkzeug-pbkdf2'].verify(werkzeug, password)).toBe(true);
    expect(await passwordHashers['werkzeug-pbkdf2'].verify(werkzeug, `${password} `)).toBe(false);
  });

  it('reads what Django 5.2 and Werkzeug 3.1 wrote', async () => {
    const django = 'pbkdf2_sha256$600000$seasaltseasaltseasalt1$FJ0vsBzXeutGnSL8hVsAmr2U4hYHt/OprkSs2kXLriE=';
    const werkzeug =
      'pbkdf2:sha256:600000$jU51nsOE7U4pLXuZ$cbf6fcdc1d81ad8a0376f1f8f31f5cef84ba951882904f46af6fa2888b537582';
    expect(await passwordHashers['django-pbkdf2'].verify(django, 'Pässwörd 1')).toBe(true);
    expect(await passwordHashers['werkzeug-pbkdf2'].verify(werkzeug, 'Pässwörd 1')).toBe(true);
  });

  it('takes neither for the other, nor what is cut off or of no rounds', async () => {
    const key = '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc';
    const others = [
      `pbkdf2:sha256:0$salt$${key}`,
      `pbkdf2:sha1:1$salt$${key}`,
      `pbkdf2:sha256:1$salt$${key.slice(2)}`,
    ];
    for (const stored of [...others, `pbkdf2_sha256$1$salt$${key}`])
      expect(await passwordHashers['werkzeug-pbkdf2'].verify(stored, 'passwd')).toBe(false);
  });
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
