// What may go wrong with one machine that its distribution drives, as far as it matters which.

/** It was started, and does not do what it is for. */
export class NotReady extends Error {
  override readonly name = 'NotReady';
}

/** Worth trying again, and nobody's verdict on the machine. */
export function isUnreachable(error: unknown): boolean {
  return (
    error instanceof Error &&
    ['HostUnreachableError', 'ProviderUnavailable', 'ConnectionError', 'NoHostError'].includes(
      error.name,
    )
  );
}
