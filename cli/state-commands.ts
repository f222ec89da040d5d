// Commands about what the server keeps: its storage, its keys, copies of it.
import { helpOf } from './command-help.ts';
import type { CommandEntry } from './command.ts';

export const STATE_COMMANDS: readonly (readonly [string, CommandEntry])[] = [
  [
    'status',
    { help: helpOf.status, load: async () => (await import('./commands/status.ts')).status },
  ],
  [
    'certificates status',
    {
      help: helpOf.certificatesStatus,
      load: async () =>
        (await import('./certificates/certificates-commands.ts')).certificatesStatus,
    },
  ],
  [
    'certificates renew',
    {
      help: helpOf.certificatesRenew,
      load: async () => (await import('./certificates/certificates-commands.ts')).certificatesRenew,
    },
  ],
  [
    'certificates rotate-authority',
    {
      help: helpOf.certificatesRotateAuthority,
      load: async () =>
        (await import('./certificates/certificates-commands.ts')).certificatesRotateAuthority,
    },
  ],
  [
    'certificates forget-authorities',
    {
      help: helpOf.certificatesForgetAuthorities,
      load: async () =>
        (await import('./certificates/certificates-commands.ts')).certificatesForgetAuthorities,
    },
  ],
  [
    'secrets status',
    {
      help: helpOf.secretsStatus,
      load: async () => (await import('./commands/secrets-status.ts')).secretsStatus,
    },
  ],
  [
    'secrets rotate',
    {
      help: helpOf.secretsRotate,
      load: async () => (await import('./commands/secrets-rotate.ts')).secretsRotate,
    },
  ],
  [
    'secrets prune-keys',
    {
      help: helpOf.secretsPruneKeys,
      load: async () => (await import('./commands/secrets-prune-keys.ts')).secretsPruneKeys,
    },
  ],
  [
    'check',
    {
      help: helpOf.check,
      load: async () => (await import('./commands/check.ts')).check,
    },
  ],
  [
    'backup create',
    {
      help: helpOf.backupCreate,
      load: async () => (await import('./commands/backup-create.ts')).backupCreate,
    },
  ],
  [
    'backup verify',
    {
      help: helpOf.backupVerify,
      load: async () => (await import('./commands/backup-verify.ts')).backupVerify,
    },
  ],
  [
    'restore',
    {
      help: helpOf.restore,
      load: async () => (await import('./commands/restore.ts')).restore,
    },
  ],
  [
    'migrate',
    {
      help: helpOf.migrate,
      load: async () => (await import('./commands/migrate.ts')).migrate,
    },
  ],
  [
    'persistence status',
    {
      help: helpOf.persistenceStatus,
      load: async () => (await import('./commands/persistence-status.ts')).persistenceStatus,
    },
  ],
  [
    'persistence verify',
    {
      help: helpOf.persistenceVerify,
      load: async () => (await import('./commands/persistence-verify.ts')).persistenceVerify,
    },
  ],
  [
    'persistence resync',
    {
      help: helpOf.persistenceResync,
      load: async () => (await import('./commands/persistence-resync.ts')).persistenceResync,
    },
  ],
  [
    'persistence promote',
    {
      help: helpOf.persistencePromote,
      load: async () => (await import('./commands/persistence-promote.ts')).persistencePromote,
    },
  ],
  [
    'persistence diff',
    {
      help: helpOf.persistenceDiff,
      load: async () => (await import('./commands/persistence-diff.ts')).persistenceDiff,
    },
  ],
  [
    'persistence cat',
    {
      help: helpOf.persistenceCat,
      load: async () => (await import('./commands/persistence-cat.ts')).persistenceCat,
    },
  ],
  [
    'persistence log',
    {
      help: helpOf.persistenceLog,
      load: async () => (await import('./commands/persistence-log.ts')).persistenceLog,
    },
  ],
];
