import type { RequestHandler } from 'express';
import helmet from 'helmet';

const ours = ["'self'"];

function headers(styles: string[]): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ours,
        scriptSrc: ours,
        styleSrc: styles,
        imgSrc: [...ours, 'data:'],
        fontSrc: [...ours, 'data:'],
        connectSrc: ours,
        objectSrc: ["'none'"],
        baseUri: ours,
        formAction: ours,
        frameAncestors: ["'none'"],
      },
    },
    crossOriginEmbedderPolicy: false,
    // Helmet's `no-referrer` has browsers send `Origin: null` with our own forms; see sender.ts.
    referrerPolicy: { policy: 'same-origin' },
  });
}

/** Everything from this origin only, no inline code or styles. */
export const securityHeaders = (): RequestHandler => headers(ours);

/** For Bull Board and the API documentation, which bring styles inline. Scripts stay strict. */
export const securityHeadersWithInlineStyles = (): RequestHandler => headers([...ours, "'unsafe-inline'"]);
