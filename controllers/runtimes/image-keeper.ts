// What the collection of unused images needs of a runtime that keeps images.

export interface ImageKeeper {
  /** Bytes of each image that is there, by id. */
  sizes(): Promise<ReadonlyMap<string, number>>;
  /** Ids of the images of all containers, running or not, ours or not. */
  inUse(): Promise<ReadonlySet<string>>;
  /** The disk that images lie on; undefined where that cannot be known. */
  disk(): Promise<{ readonly totalBytes: number; readonly freeBytes: number } | undefined>;
  /** Takes these names away, and with the last name the image; never by force. False: a container uses it after all. */
  remove(names: readonly string[]): Promise<boolean>;
}
