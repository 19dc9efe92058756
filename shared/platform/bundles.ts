/**
 * Where bundles are kept: named sets of parts that are there whole or not at all. A folder on disk today
 * (`local-bundles.ts`); an object store fits as well, with the parts under a prefix and a last, small object that
 * `publish` writes and without which a bundle does not count.
 */
export interface BundleStore {
  /** The names of all bundles, in order. */
  names(): Promise<string[]>;
  has(name: string): Promise<boolean>;
  /** A part's bytes; undefined when the bundle does not have it. */
  read(name: string, part: string): Promise<AsyncIterable<Buffer> | undefined>;
  /** Begins a bundle that nobody sees before it is published. What `owner` began before and left is removed. */
  draft(owner: string): Promise<BundleDraft>;
  /** @returns whether it was there */
  remove(name: string): Promise<boolean>;
}

export interface BundleDraft {
  /**
   * Writes a part, and does not return before it would outlive a power cut.
   * @returns its size in bytes
   * @throws AppError `storage_full`
   */
  write(part: string, source: AsyncIterable<Buffer>): Promise<number>;
  /** Makes the draft a bundle, in one step. @returns false when the name is taken */
  publish(name: string): Promise<boolean>;
  discard(): Promise<void>;
}
