// What persistence may fail with, each something that a caller handles differently. A leaf: imports nothing.

/** Nobody configured an instance of this name. */
export class UnknownInstanceError extends Error {
  constructor(instance: string, known: readonly string[]) {
    super(
      `Cannot use persistence instance ${instance}: there is none of this name (known: ${known.join(', ') || 'none'})`,
    );
    this.name = 'UnknownInstanceError';
  }
}

/** Another control plane has claimed the data: the one that gets this error must write no more. */
export class EpochLostError extends Error {
  constructor(instance: string, held: number, found: number) {
    super(
      `Cannot write to ${instance}: it is at epoch ${found}, this process holds ${held}; another control plane has taken over`,
    );
    this.name = 'EpochLostError';
  }
}

/** Stored bytes are not what was written. Never skipped silently. */
export class CorruptDataError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CorruptDataError';
  }
}

/** The history that was asked for has been compacted; start again from the present state. */
export class CompactedError extends Error {
  /** The oldest revision after which changes are still known. */
  readonly compacted: number;

  constructor(revision: number, compacted: number) {
    super(`Cannot read changes after revision ${revision}: compacted up to ${compacted}`);
    this.name = 'CompactedError';
    this.compacted = compacted;
  }
}

/** No space left. Nothing of the batch was kept; the same write can succeed once there is space again. */
export class StorageFullError extends Error {
  constructor(where: string, options?: ErrorOptions) {
    super(
      `Cannot write to ${where}: no space left on the device; free some, then try again`,
      options,
    );
    this.name = 'StorageFullError';
  }
}

/** Storage that did not answer, or not in time. Nothing of the batch was kept; the same write can succeed later. */
export class StorageUnreachableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StorageUnreachableError';
  }
}

/** The instance is broken until it is opened anew. Whether the write in flight was kept is not known. */
export class StorageFailedError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StorageFailedError';
  }
}

/** A second process opened the same data. */
export class InstanceLockedError extends Error {
  readonly path: string;

  constructor(path: string, options?: ErrorOptions) {
    super(
      `Cannot open ${path}: another process is using it; stop that one first, or choose another data directory`,
      options,
    );
    this.name = 'InstanceLockedError';
    this.path = path;
  }
}

/** The files found are not ours, or not of a version that we can read. Nothing was changed. */
export class ForeignDataError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ForeignDataError';
  }
}
