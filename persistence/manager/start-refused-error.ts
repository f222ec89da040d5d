// Starting would lose something, or take what is not ours. The message says what was found and what to do.
export class StartRefusedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'StartRefusedError';
  }
}
