// What the user got wrong on the command line or in a configuration file, and what a command could not do.
// main.ts prints both without a stack; anything else that is thrown is a defect of ours and prints one.

/** Wrong flags, values or configuration: exit code 2. */
export class UsageError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UsageError';
  }
}

/** The command was understood and could not be done: exit code 1, where that says nothing else. The message says what stands in the way, `next` what to do. */
export class CommandError extends Error {
  readonly next: string | undefined;
  readonly exitCode: number;
  constructor(
    message: string,
    next?: string,
    options: ErrorOptions & { readonly exitCode?: number } = {},
  ) {
    super(message, options);
    this.name = 'CommandError';
    this.next = next;
    this.exitCode = options.exitCode ?? 1;
  }
}
