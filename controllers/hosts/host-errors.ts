// What can go wrong with a host, by who may try again.

/** The host could not be asked, or the connection ended before it answered: try again later. */
export class HostUnreachableError extends Error {
  override readonly name = 'HostUnreachableError';
}

/** The host was asked and said no: the same question will get the same answer. */
export class HostCommandError extends Error {
  override readonly name = 'HostCommandError';
}

/** Bytes differ from what was promised: nothing was replaced. */
export class DigestMismatchError extends Error {
  override readonly name = 'DigestMismatchError';
  readonly wanted: string;
  readonly found: string;

  constructor(what: string, wanted: string, found: string) {
    super(
      `${what}: SHA-256 is ${found}, and should be ${wanted}; what was there before is untouched`,
    );
    this.wanted = wanted;
    this.found = found;
  }
}
