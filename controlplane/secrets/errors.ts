// What changing keys may be refused with.

/** Somebody else is changing keys: one at a time. */
export class SecretsBusyError extends Error {
  constructor(progress: string) {
    super(`the keys of Secrets are being changed already${progress}`);
    this.name = 'SecretsBusyError';
  }
}

/** Keys cannot be forgotten: something may need them. */
export class SecretsInUseError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SecretsInUseError';
  }
}
