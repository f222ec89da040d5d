// What the server said no with, in its own words.

export class ApiFailure extends Error {
  /** Of HTTP; 0 where no answer came. */
  readonly code: number;
  readonly reason: string;

  constructor(code: number, reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ApiFailure';
    this.code = code;
    this.reason = reason;
  }
}

/** @param body of an answer that is no success: a Status, or whatever a proxy between says */
export function failureOf(code: number, body: string): ApiFailure {
  try {
    const status = JSON.parse(body) as { message?: unknown; reason?: unknown } | null;
    if (typeof status?.message === 'string') {
      const reason = typeof status.reason === 'string' ? status.reason : '';
      return new ApiFailure(code, reason, status.message);
    }
  } catch {
    // No JSON: the code alone has to do.
  }
  return new ApiFailure(code, '', `the server answered ${code}`);
}
