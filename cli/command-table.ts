// All commands by the words that name them, in the order of the help. Each is loaded when it runs, so that `windlass version` does not
// pay for a control plane.
import { helpOf } from './command-help.ts';
import type { CommandEntry } from './command.ts';
import { MACHINE_COMMANDS } from './machine-commands.ts';
import { manualHelp } from './manual/manual-help.ts';
import { SERVICE_COMMANDS } from './service-commands.ts';
import { STATE_COMMANDS } from './state-commands.ts';

export const COMMANDS: ReadonlyMap<string, CommandEntry> = new Map([
  ['up', { help: helpOf.up, load: async () => (await import('./commands/up.ts')).up }],
  [
    'controllers',
    {
      help: helpOf.controllers,
      load: async () => (await import('./commands/controllers.ts')).controllers,
    },
  ],
  ...MACHINE_COMMANDS,
  ...SERVICE_COMMANDS,
  ...STATE_COMMANDS,
  [
    'console',
    {
      help: helpOf.console,
      load: async () => (await import('./commands/console.ts')).consoleCommand,
    },
  ],
  [
    'completion',
    {
      help: manualHelp.completion,
      load: async () => (await import('./commands/completion.ts')).completionOf(COMMANDS),
    },
  ],
  [
    'man',
    { help: manualHelp.man, load: async () => (await import('./commands/man.ts')).manOf(COMMANDS) },
  ],
  [
    'version',
    { help: helpOf.version, load: async () => (await import('./commands/version.ts')).version },
  ],
]);
