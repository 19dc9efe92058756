import { derivePassword, newBatchSecret } from './derived-password.ts';

describe('a derived password', () => {
  const secret = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8';

  it('stays what it was when the batch was made', () => {
    expect([1, 2].map(slot => derivePassword(secret, slot))).toEqual([
      'k1mPYqtcm-o5PwLjn5GTaA1!',
      'K7qnQbpH8624KLCPq31vaA1!',
    ]);
  });

  it('has what policies ask for, and is another for each slot and each secret', () => {
    const other = newBatchSecret();
    const slots = Array.from({ length: 500 }, (_, slot) => slot);
    const all = [secret, other].flatMap(key => slots.map(slot => derivePassword(key, slot)));
    expect(new Set(all).size).toBe(1000);
    for (const password of all) expect(password).toMatch(/^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)(?=.*!).{24}$/);
  });
});
