import { createDecipheriv, createECDH, createHmac, hkdfSync, randomBytes } from 'node:crypto';

/** The browser's side of web push: a subscription, and what opens messages to it. */
export function createPushReceiver() {
  const curve = createECDH('prime256v1');
  curve.generateKeys();
  const auth = randomBytes(16);
  return {
    /** As a browser gives it, but for the endpoint. */
    keys: { p256dh: curve.getPublicKey('base64url'), auth: auth.toString('base64url') },

    /** Opens a body of `Content-Encoding: aes128gcm` (RFC 8188, RFC 8291) of one record; throws when it is none. */
    open(body: Buffer): string {
      const salt = body.subarray(0, 16);
      const keyLength = body.readUInt8(20);
      const sender = body.subarray(21, 21 + keyLength);
      const sealed = body.subarray(21 + keyLength);
      const info = Buffer.concat([Buffer.from('WebPush: info\0'), curve.getPublicKey(), sender]);
      const secret = createHmac('sha256', auth).update(curve.computeSecret(sender)).digest();
      const input = createHmac('sha256', secret)
        .update(Buffer.concat([info, Buffer.of(1)]))
        .digest();
      const derive = (what: string, length: number) =>
        Buffer.from(hkdfSync('sha256', input, salt, `Content-Encoding: ${what}\0`, length));
      const decipher = createDecipheriv('aes-128-gcm', derive('aes128gcm', 16), derive('nonce', 12));
      decipher.setAuthTag(sealed.subarray(-16));
      const plain = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
      return plain.subarray(0, plain.lastIndexOf(2)).toString('utf8'); // 2 ends the last record
    },
  };
}
