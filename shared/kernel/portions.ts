export interface PortionLimits {
  maxBytes: number;
  maxItems?: number;
}

/** Divides items into portions that keep to the limits, in their order. One that is longer by itself has a portion of its own. */
export function* portions<T>(
  items: Iterable<T>,
  bytesOf: (item: T) => number,
  { maxBytes, maxItems = Number.POSITIVE_INFINITY }: PortionLimits,
): Generator<T[]> {
  let portion: T[] = [];
  let bytes = 0;
  for (const item of items) {
    const more = bytesOf(item);
    if (portion.length > 0 && (portion.length >= maxItems || bytes + more > maxBytes)) {
      yield portion;
      portion = [];
      bytes = 0;
    }
    portion.push(item);
    bytes += more;
  }
  if (portion.length > 0) yield portion;
}
