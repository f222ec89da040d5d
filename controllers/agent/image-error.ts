// Why a machine does not take an image. A leaf: imports nothing.

/** Becomes the Status that the caller gets. */
export class ImageError extends Error {
  /** HTTP status. */
  readonly code: number;
  readonly reason: string;
  constructor(code: number, reason: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'ImageError';
    this.code = code;
    this.reason = reason;
  }
}
