// The command line: finds the command, runs it, turns what it throws into a message and an exit code.
// Commands are loaded when they run, so that `windlass version` does not pay for a control plane.
import { stuckThreads } from '#platform/stuck-threads.ts';
import { closest } from './closest.ts';
import type { Command, CommandIO } from './command.ts';
import { programHelp } from './help.ts';
import type { CommandHelp } from './help.ts';
import { helpOf } from './command-help.ts';
import { processIO } from './process-io.ts';
import { stayAlive } from './run-until-stopped.ts';
import { CommandError, UsageError } from './usage-error.ts';

interface Entry {
  readonly help: CommandHelp;
  readonly load: () => Promise<Command>;
}

const COMMANDS: ReadonlyMap<string, Entry> = new Map([
  ['up', { help: helpOf.up, load: async () => (await import('./commands/up.ts')).up }],
  [
    'controllers',
    {
      help: helpOf.controllers,
      load: async () => (await import('./commands/controllers.ts')).controllers,
    },
  ],
  [
    'machine plan',
    {
      help: helpOf.machinePlan,
      load: async () => (await import('./commands/machine-plan.ts')).machinePlan,
    },
  ],
  [
    'machine apply',
    {
      help: helpOf.machineApply,
      load: async () => (await import('./commands/machine-apply.ts')).machineApply,
    },
  ],
  [
    'machine status',
    {
      help: helpOf.machineStatus,
      load: async () => (await import('./commands/machine-status.ts')).machineStatus,
    },
  ],
  [
    'machine preflight',
    {
      help: helpOf.machinePreflight,
      load: async () => (await import('./commands/machine-preflight.ts')).machinePreflight,
    },
  ],
  [
    'node run',
    { help: helpOf.nodeRun, load: async () => (await import('./commands/node-run.ts')).nodeRun },
  ],
  [
    'node cordon',
    {
      help: helpOf.nodeCordon,
      load: async () => (await import('./commands/node-cordon.ts')).nodeCordon,
    },
  ],
  [
    'node uncordon',
    {
      help: helpOf.nodeUncordon,
      load: async () => (await import('./commands/node-cordon.ts')).nodeUncordon,
    },
  ],
  [
    'node drain',
    {
      help: helpOf.nodeDrain,
      load: async () => (await import('./commands/node-drain.ts')).nodeDrain,
    },
  ],
  [
    'node remove',
    {
      help: helpOf.nodeRemove,
      load: async () => (await import('./commands/node-remove.ts')).nodeRemove,
    },
  ],
  [
    'node kubeconfig',
    {
      help: helpOf.nodeKubeconfig,
      load: async () => (await import('./commands/node-kubeconfig.ts')).nodeKubeconfig,
    },
  ],
  [
    'machine preflight',
    {
      help: helpOf.machinePreflight,
      load: async () => (await import('./machine/operation-commands.ts')).machinePreflight,
    },
  ],
  [
    'machine start',
    {
      help: helpOf.machineStart,
      load: async () => (await import('./machine/operation-commands.ts')).machineStart,
    },
  ],
  [
    'machine stop',
    {
      help: helpOf.machineStop,
      load: async () => (await import('./machine/operation-commands.ts')).machineStop,
    },
  ],
  [
    'machine reboot',
    {
      help: helpOf.machineReboot,
      load: async () => (await import('./machine/operation-commands.ts')).machineReboot,
    },
  ],
  [
    'machine rollback',
    {
      help: helpOf.machineRollback,
      load: async () => (await import('./machine/operation-commands.ts')).machineRollback,
    },
  ],
  [
    'machine retry',
    {
      help: helpOf.machineRetry,
      load: async () => (await import('./machine/operation-commands.ts')).machineRetry,
    },
  ],
  [
    'machine reset',
    {
      help: helpOf.machineReset,
      load: async () => (await import('./machine/operation-commands.ts')).machineReset,
    },
  ],
  [
    'machine collect-logs',
    {
      help: helpOf.machineCollectLogs,
      load: async () => (await import('./machine/operation-commands.ts')).machineCollectLogs,
    },
  ],
  [
    'status',
    { help: helpOf.status, load: async () => (await import('./commands/status.ts')).status },
  ],
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
  [
    'cluster plan',
    {
      help: helpOf.clusterPlan,
      load: async () => (await import('./commands/cluster-plan.ts')).clusterPlan,
    },
  ],
  [
    'cluster apply',
    {
      help: helpOf.clusterApply,
      load: async () => (await import('./commands/cluster-apply.ts')).clusterApply,
    },
  ],
  [
    'cluster status',
    {
      help: helpOf.clusterStatus,
      load: async () => (await import('./commands/cluster-status.ts')).clusterStatus,
    },
  ],
  [
    'cluster list',
    {
      help: helpOf.clusterList,
      load: async () => (await import('./commands/cluster-status.ts')).clusterList,
    },
  ],
  [
    'cluster start',
    {
      help: helpOf.clusterStart,
      load: async () => (await import('./commands/cluster-power.ts')).clusterStart,
    },
  ],
  [
    'cluster stop',
    {
      help: helpOf.clusterStop,
      load: async () => (await import('./commands/cluster-power.ts')).clusterStop,
    },
  ],
  [
    'cluster delete',
    {
      help: helpOf.clusterDelete,
      load: async () => (await import('./commands/cluster-delete.ts')).clusterDelete,
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
  [
    'version',
    { help: helpOf.version, load: async () => (await import('./commands/version.ts')).version },
  ],
]);

function helpText(): string {
  return programHelp([...COMMANDS].map(([name, { help }]) => [name, help]));
}

function findCommand(argv: readonly string[]): { entry: Entry; rest: readonly string[] } {
  const [first = '', second = ''] = argv;
  const two = COMMANDS.get(`${first} ${second}`);
  if (two !== undefined) return { entry: two, rest: argv.slice(2) };
  const one = COMMANDS.get(first);
  if (one !== undefined) return { entry: one, rest: argv.slice(1) };
  const names = [...COMMANDS.keys()];
  const near =
    closest(first, names) ?? names.find((name) => name.startsWith(`${first} `)) ?? undefined;
  throw new UsageError(
    `unknown command ${JSON.stringify(first)}; ${near === undefined ? `commands are ${names.join(', ')}` : `did you mean ${near}?`}`,
  );
}

/** Resolves with the exit code: 0 done, 1 could not be done, 2 wrong usage. */
async function main(argv: readonly string[], io: CommandIO): Promise<number> {
  try {
    if (argv.length === 0) {
      io.err(helpText());
      return 2;
    }
    if (argv[0] === '--help' || argv[0] === '-h' || argv[0] === 'help') {
      io.out(helpText());
      return 0;
    }
    const { entry, rest } = findCommand(argv[0] === '--version' ? ['version'] : argv);
    return await (await entry.load()).main(rest, io);
  } catch (error) {
    if (error instanceof UsageError) {
      io.err(`windlass: ${error.message}\nRun windlass --help, or windlass COMMAND --help.\n`);
      return 2;
    }
    if (error instanceof CommandError) {
      io.err(`windlass: ${error.message}\n${error.next === undefined ? '' : `${error.next}\n`}`);
      return error.exitCode;
    }
    io.err(
      `windlass: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return 1;
  }
}

stayAlive();
// Ends here whatever is still open: a command that has answered must not hang on a forgotten socket.
const exitCode = await main(process.argv.slice(2), processIO());
// Node would wait for threads that hang in a call to a file server, for ever. Nothing else is left to be done.
if (stuckThreads() > 0) process.kill(process.pid, 'SIGKILL');
process.exit(exitCode);
