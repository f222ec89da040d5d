// Commands about services: planned, deployed, looked at, rolled back.
import { helpOf } from './command-help.ts';
import type { CommandEntry } from './command.ts';

export const SERVICE_COMMANDS: readonly (readonly [string, CommandEntry])[] = [
  ['plan', { help: helpOf.plan, load: async () => (await import('./commands/plan.ts')).plan }],
  [
    'deploy',
    { help: helpOf.deploy, load: async () => (await import('./commands/deploy.ts')).deploy },
  ],
  ['diff', { help: helpOf.diff, load: async () => (await import('./commands/diff.ts')).diff }],
  ['run', { help: helpOf.run, load: async () => (await import('./commands/run.ts')).run }],
  ['logs', { help: helpOf.logs, load: async () => (await import('./commands/logs.ts')).logs }],
  ['scale', { help: helpOf.scale, load: async () => (await import('./commands/scale.ts')).scale }],
  [
    'restart',
    { help: helpOf.restart, load: async () => (await import('./commands/restart.ts')).restart },
  ],
  ['pause', { help: helpOf.pause, load: async () => (await import('./commands/pause.ts')).pause }],
  [
    'resume',
    { help: helpOf.resume, load: async () => (await import('./commands/pause.ts')).resume },
  ],
  [
    'history',
    { help: helpOf.history, load: async () => (await import('./commands/history.ts')).history },
  ],
  [
    'rollback',
    { help: helpOf.rollback, load: async () => (await import('./commands/rollback.ts')).rollback },
  ],
  [
    'promote',
    { help: helpOf.promote, load: async () => (await import('./commands/promote.ts')).promote },
  ],
  [
    'abort',
    { help: helpOf.abort, load: async () => (await import('./commands/promote.ts')).abort },
  ],
  [
    'generate-name',
    {
      help: helpOf.generateName,
      load: async () => (await import('./commands/generate-name.ts')).generateName,
    },
  ],
  [
    'image push',
    {
      help: helpOf.imagePush,
      load: async () => (await import('./commands/image-push.ts')).imagePush,
    },
  ],
];
