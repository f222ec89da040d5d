// What the node agent needs of a runtime that keeps images: to tell which are there, and to take in those that are pushed to it.

export interface StoredImage {
  /** Tags and digests: `nginx:1.27`, `nginx@sha256:…`. */
  readonly names: readonly string[];
  readonly sizeBytes: number;
}

/** `repository:tag`. */
export interface ImageName {
  readonly repository: string;
  readonly tag: string;
}

export interface ImageArchive {
  /** The image's configuration; its digest is the image's id. */
  readonly config: Buffer;
  /** From the lowest on. `file`: its tar file, uncompressed; absent: the store has it (see knownLayers). */
  readonly layers: readonly { readonly diffID: string; readonly file?: string }[];
  readonly name: ImageName;
}

export interface ImageStore {
  list(): Promise<readonly StoredImage[]>;
  /** @param reference id or name. undefined: there is none */
  idOf(reference: string): Promise<string | undefined>;
  /** How many of these layers, from the first on, are there already. */
  knownLayers(diffIDs: readonly string[]): Promise<number>;
  tag(id: string, name: ImageName): Promise<void>;
  /** @throws Error in the words of the store */
  load(archive: ImageArchive, signal: AbortSignal): Promise<void>;
}
