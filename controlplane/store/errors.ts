// What a write may fail with. The registry turns these into API errors.

/** The key exists (or is being created) and the writer wanted to create it. */
export class KeyExistsError extends Error {
  constructor(key: string) {
    super(`Cannot create ${key}: it exists`);
    this.name = 'KeyExistsError';
  }
}

/** The object is not at the revision that the writer saw. */
export class RevisionConflictError extends Error {
  constructor(key: string, expected: number, found: number | undefined) {
    super(`Cannot write ${key}: expected revision ${expected}, found ${found ?? 'nothing'}`);
    this.name = 'RevisionConflictError';
  }
}

/** The write did not become durable (disk full, I/O error, epoch lost): it is not visible and will never be. */
export class StorageUnavailableError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'StorageUnavailableError';
  }
}
