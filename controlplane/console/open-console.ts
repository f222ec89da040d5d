// The console as the server sees it: its files, and who is signed in.
import type { Logger } from '#platform/logging.ts';

import type { ConsolePort } from '../http/console-port.ts';

import { ConsoleFiles } from './console-files.ts';
import { ConsoleSessions } from './console-sessions.ts';
import type { ConsoleSessionsOptions } from './console-sessions.ts';

export interface Console extends ConsolePort {
  readonly sessions: ConsoleSessions;
}

export function openConsole(
  options: ConsoleSessionsOptions & { readonly logger: Logger },
): Console {
  const files = new ConsoleFiles(options.logger);
  return { sessions: new ConsoleSessions(options), file: (name) => files.file(name) };
}
