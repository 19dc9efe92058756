import type { Side } from './sides.ts';

/** Between two databases nothing has a wire of its own: counted is what passes from one to the other, as JSON, without the names of fields. */
export interface Meter {
  readonly bytes: number;
  counted<T extends readonly unknown[]>(items: T): T;
}

export function createMeter(): Meter {
  let bytes = 0;
  return {
    get bytes() {
      return bytes;
    },
    counted(items) {
      // Lists are alike: some of their items tell the length of all.
      const step = Math.max(1, Math.floor(items.length / 200));
      let sampled = 0;
      let samples = 0;
      for (let index = 0; index < items.length; index += step) {
        sampled += Buffer.byteLength(JSON.stringify(valuesOf(items[index]))) + 1;
        samples += 1;
      }
      if (samples > 0) bytes += Math.round((sampled / samples) * items.length);
      return items;
    },
  };
}

/** The same side, with all that it gives counted. */
export const measured = (side: Side, meter: Meter): Side => ({
  buckets: async scope => meter.counted(await side.buckets(scope)),
  fold: async scope => {
    const fold = await side.fold(scope);
    meter.counted([{ ...fold, digest: String(fold.digest) }]);
    return fold;
  },
  subBuckets: async (scope, buckets) => meter.counted(await side.subBuckets(scope, buckets)),
  entries: async (scope, choice) => meter.counted(await side.entries(scope, choice)),
  probe: () => side.probe(),
});

const valuesOf = (item: unknown): unknown =>
  typeof item === 'object' && item !== null ? Object.values(item) : item;
