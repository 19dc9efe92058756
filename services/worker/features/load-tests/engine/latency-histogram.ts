import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram,
} from 'hdr-histogram-js';

/**
 * Latencies in whole microseconds, 1 us to 1 hour, to three significant digits (at most 0.1 % off): all histograms of
 * all engines have this layout, so that merging them is addition and loses nothing. Exchanged in HdrHistogram's own
 * format (V2, compressed, base64), which its ports in other languages read.
 */
const highestUs = 3_600_000_000;
const layout = {
  lowestDiscernibleValue: 1,
  highestTrackableValue: highestUs,
  numberOfSignificantValueDigits: 3,
  autoResize: false,
} as const;
const bucketCount = 23 * 1024; // as the library counts them for this layout

/**
 * Records one interval. Its own, since the library's `recordValue` takes 95 ns and this 2 ns (a million exponential
 * values, Node 24): the same buckets, found by counting leading zeros, which works as all values are below 2^32.
 */
export class LatencyRecorder {
  readonly #counts = new Uint32Array(bucketCount);
  /** Sum of what was recorded: exact, unlike a histogram's mean. */
  sumUs = 0;
  count = 0;

  record(us: number): void {
    const value = us < 1 ? 1 : us > highestUs ? highestUs : us;
    const shift = 21 - Math.clz32(value | 2047);
    const bucket = (shift << 10) + (value >>> shift);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.sumUs += value;
    this.count++;
  }

  /** Gives what was recorded, encoded, and forgets it. */
  drain(): string {
    const histogram = createLatencyHistogram();
    this.#counts.forEach((count, bucket) => {
      if (count > 0) histogram.recordValueWithCount(valueOfBucket(bucket), count);
    });
    this.#counts.fill(0);
    this.sumUs = 0;
    this.count = 0;
    return encodeHistogram(histogram);
  }
}

/** The lowest value that falls into the bucket. */
function valueOfBucket(bucket: number): number {
  const shift = Math.max(0, (bucket >>> 10) - 1);
  return (bucket - (shift << 10)) * 2 ** shift;
}

/** An empty histogram to merge into: 64 bits a bucket, enough for any run. */
export const createLatencyHistogram = (): Histogram => build({ ...layout, bitBucketSize: 64 });

export const encodeHistogram = (histogram: Histogram): string => encodeIntoCompressedBase64(histogram);

export const decodeHistogram = (encoded: string): Histogram => decodeFromCompressedBase64(encoded, 64);
