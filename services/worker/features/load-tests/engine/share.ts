/** Which part of a run is one engine's: everything counted from 0 in the whole run goes round the engines in turn. */
export interface Share {
  index: number;
  count: number;
}

/** How many of `total` are this share's: those `k < total` with `k mod count = index`. */
export const shareOf = (total: number, { index, count }: Share): number =>
  Math.max(0, Math.ceil((total - index) / count));

/** The first number of this share that is not below `from`. */
export const firstOfShare = (from: number, { index, count }: Share): number =>
  index + count * Math.max(0, Math.ceil((from - index) / count));
