// What operators may ask of persistence through the API. Implemented in controlplane/persistence-instances.

export interface DumpOptions {
  /** Only changes after this revision. */
  readonly after: number;
  /** Only of this kind (`core/pods`), and of this key in it; '' for all. */
  readonly kind: string;
  readonly key: string;
}

/** All reject with ApiError. */
export interface PersistencePort {
  /** How it was during the last hour, a look a minute: a PersistenceInstanceHistory. */
  history(instance: string): object;
  /** The whole log of an instance, consistent at one revision, as frames (persistence/backup/dump-frames.ts). */
  dump(
    instance: string,
    options: DumpOptions,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>>;
  /** Reads and checks all that an instance holds. Resolves with what was counted. */
  verify(instance: string, signal: AbortSignal): Promise<object>;
  /** Fills a replica anew. Resolves once that has begun. */
  resync(instance: string): Promise<void>;
  /** Adds an instance for as long as the server runs, as a replica that nothing waits for. Resolves with its name. */
  attach(url: string): Promise<string>;
  /** Lets go of an instance that was attached. */
  detach(instance: string): Promise<void>;
  /** Makes a replica the primary; it may take so long to catch up first. Resolves with how it went, once it is done. */
  promote(instance: string, catchUpSeconds: number, signal: AbortSignal): Promise<object>;
}
