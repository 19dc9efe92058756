import fc from 'fast-check';
import { createVault, newToken, tokenDigest } from './crypto.ts';

const vault = createVault('0f'.repeat(32));

describe('a vault', () => {
  it('gives back what it was given, and seals the same text differently each time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), plain => {
        const [sealed, again] = [vault.seal(plain), vault.seal(plain)];
        expect(vault.open(sealed)).toBe(plain);
        expect(sealed).not.toBe(again);
      }),
    );
  });

  it('does not open with another key, nor when a byte was changed, nor in an unknown format', () => {
    const sealed = vault.seal('TestPass123!');
    expect(() => createVault('00'.repeat(32)).open(sealed)).toThrow('does not open with this key');
    const [version, nonce, tag, body = ''] = sealed.split('.');
    const changed = [version, nonce, tag, `${body.startsWith('A') ? 'B' : 'A'}${body.slice(1)}`].join('.');
    expect(() => vault.open(changed)).toThrow('does not open with this key');
    expect(() => vault.open('v9.a.b.c')).toThrow('not in a known format');
  });
});

it('tokens are long, prefixed and kept as a digest', () => {
  const token = newToken('muster');
  expect(token).toMatch(/^muster_[\w-]{43}$/);
  expect(tokenDigest(token)).toMatch(/^[0-9a-f]{64}$/);
  expect(newToken('muster')).not.toBe(token);
});
