import fc from 'fast-check';
import { localPath } from './local-path.ts';

describe('a local path', () => {
  it('keeps its query and fragment', () => {
    expect(localPath('/a/b?c=%20d#e', '/')).toBe('/a/b?c=%20d#e');
  });

  it.each([undefined, ['/a'], '', 'a', 'https://evil.example', '//evil.example', '/\\evil.example'])(
    'is not %j',
    next => {
      expect(localPath(next, '/home')).toBe('/home');
    },
  );

  it('never leads to another host, whatever a link says', () => {
    const part = fc.constantFrom(
      '/',
      '\\',
      '\t',
      '\n',
      '.',
      '..',
      '@',
      ':',
      'evil.example',
      'http:',
      '%2f',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), parts => {
        const path = localPath(parts.join(''), '/home');
        expect(new URL(path, 'http://muster.test').host).toBe('muster.test');
      }),
    );
  });
});
