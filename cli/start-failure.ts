// Why the control plane did not start, in the user's words: what was found and which flag helps.
import type { UpSettings } from './commands/up-options.ts';
import { CommandError } from './usage-error.ts';

/** A CommandError for what the operating system or the state on disk stand against; anything else is passed on as it is. */
export function startFailure(error: unknown, settings: UpSettings): unknown {
  if (!(error instanceof Error)) return error;
  const cause = { cause: error };
  const where = `port ${settings.port} on ${settings.bind}`;
  switch (errorCode(error)) {
    case 'EADDRINUSE':
      return new CommandError(
        `${where} is in use by another program`,
        'Choose another with --port (0 takes any free one), or stop that program.',
        cause,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EINVAL':
      return new CommandError(
        `${settings.bind} is no address of this machine`,
        'Choose one with --bind, e.g. 127.0.0.1 or 0.0.0.0.',
        cause,
      );
    case 'EACCES':
      return new CommandError(
        `${error.message}`,
        settings.port > 0 && settings.port < 1024
          ? `Ports below 1024 need privileges: choose another with --port.`
          : `Mend the permissions in ${settings.data.path}, or choose another folder with --data-dir.`,
        cause,
      );
    case undefined:
      break;
    default:
      return new CommandError(error.message, undefined, cause);
  }
  return new CommandError(describe(error), undefined, cause);
}

/** The nearest error code in the chain of causes. */
function errorCode(error: Error): string | undefined {
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.cause instanceof Error ? errorCode(error.cause) : undefined;
}

function describe(error: Error): string {
  return error.cause instanceof Error
    ? `${error.message}: ${describe(error.cause)}`
    : error.message;
}
