import { createECDH } from 'node:crypto';
import { createLinkSigner, vapidKeysOf } from './notification-keys.ts';

const key = 'ab'.repeat(32);
const none = { VAPID_PUBLIC_KEY: undefined, VAPID_PRIVATE_KEY: undefined };

describe('the keys of notifications', () => {
  it('verify the links that they signed, and no other', () => {
    const signer = createLinkSigner(key, 'unsubscribe');
    const signed = signer.sign('4f0c');
    expect(signer.verify(signed)).toBe('4f0c');
    const cut = [`${signed}.x`, '4f0c', '4f0c.', '', signed.slice(0, -1)];
    const padded = [`${signed}"><b>`, `${signed}=`, ` ${signed}`, signed.replace('.', '."')];
    const forged = [signed.replace('4', '5'), ...cut, ...padded];
    expect(forged.map(text => signer.verify(text))).toEqual(forged.map(() => undefined));
    expect(createLinkSigner(key, 'other').verify(signed)).toBeUndefined();
    expect(createLinkSigner('cd'.repeat(32), 'unsubscribe').verify(signed)).toBeUndefined();
  });

  it('are a pair of P-256 that stays the same with the key of the installation', () => {
    const { publicKey, privateKey } = vapidKeysOf(none, key);
    const curve = createECDH('prime256v1');
    curve.setPrivateKey(privateKey, 'base64url');
    expect(curve.getPublicKey('base64url')).toBe(publicKey);
    expect(vapidKeysOf(none, key)).toEqual({ publicKey, privateKey });
    expect(vapidKeysOf(none, 'cd'.repeat(32)).publicKey).not.toBe(publicKey);
  });

  it('are refused when only one of a pair is set', () => {
    expect(() => vapidKeysOf({ ...none, VAPID_PUBLIC_KEY: 'x' }, key)).toThrow('go together');
  });
});
