/** What two sides tell of their users by buckets (`account-digests.ts`), compared without either database. */
export interface Bucket {
  bucket: number;
  users: number;
  /** 64 bits, signed, in decimal. */
  digest: string;
  /** Users whose digest of the last sync is not their digest: the pool's only, 0 elsewhere. */
  unsettled: number;
}

/** The digests of a bucket's smaller ones, those that have anybody: for each, 2 hex digits of number and 8 of digest. */
export interface SubDigests {
  bucket: number;
  digests: string;
}

const subDigestLength = 10;

/** The numbers of the smaller buckets in which two sides are not the same, in order. */
export function differingSubBuckets(one: readonly SubDigests[], other: readonly SubDigests[]): number[] {
  const left = new Map(one.map(({ bucket, digests }) => [bucket, digests]));
  const right = new Map(other.map(({ bucket, digests }) => [bucket, digests]));
  const differing: number[] = [];
  for (const bucket of new Set([...left.keys(), ...right.keys()])) {
    const [ours, theirs] = [left.get(bucket) ?? '', right.get(bucket) ?? ''];
    if (ours === theirs) continue;
    const [left64, right64] = [new Set(piecesOf(ours)), new Set(piecesOf(theirs))];
    const alone = [...left64]
      .filter(piece => !right64.has(piece))
      .concat([...right64].filter(piece => !left64.has(piece)));
    const small = new Set(alone.map(text => Number.parseInt(text.slice(0, 2), 16)));
    for (const number of small) differing.push(bucket + (number << 12));
  }
  return differing.sort((a, b) => a - b);
}

const piecesOf = (digests: string): string[] =>
  Array.from({ length: digests.length / subDigestLength }, (_, index) =>
    digests.slice(index * subDigestLength, (index + 1) * subDigestLength),
  );

/** All users in scope folded into one digest. */
export interface Summary {
  users: number;
  /** 16 hex digits, the same for the same users. */
  digest: string;
}

/** A bucket that all users are in. */
export interface Fold {
  users: number;
  /** 64 bits, signed. */
  digest: bigint;
  unsettled: number;
}

export const foldBuckets = (buckets: readonly Bucket[]): Fold => ({
  users: buckets.reduce((total, { users }) => total + users, 0),
  digest: buckets.reduce((folded, { digest }) => folded ^ BigInt(digest), 0n),
  unsettled: buckets.reduce((total, { unsettled }) => total + unsettled, 0),
});

export function summarize(buckets: readonly Bucket[]): Summary {
  const { users, digest } = foldBuckets(buckets);
  return { users, digest: BigInt.asUintN(64, digest).toString(16).padStart(16, '0') };
}

/** The numbers of the buckets in which two sides are not the same, in order. */
export function differingBuckets(one: readonly Bucket[], other: readonly Bucket[]): number[] {
  const left = new Map(one.map(bucket => [bucket.bucket, bucket]));
  const differing = other.filter(({ bucket, users, digest }) => {
    const same = left.get(bucket);
    left.delete(bucket);
    return same?.users !== users || same.digest !== digest;
  });
  return [...differing.map(({ bucket }) => bucket), ...left.keys()].sort((a, b) => a - b);
}
