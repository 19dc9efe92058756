import type { SyncFault, SyncFaultKind } from '../../../../../shared/contracts/user-sync.ts';

/** A sync that cannot go on, or a chunk that failed, because of the other side: told in the result, by its kind. */
export class PeerError extends Error {
  readonly kind: SyncFaultKind;
  /** `docs/reason-codes.md` lists them. */
  readonly code: string;

  constructor(kind: SyncFaultKind, code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PeerError';
    this.kind = kind;
    this.code = code;
  }
}

export const faultOf = ({ kind, code, message }: PeerError): SyncFault => ({ kind, code, message });
