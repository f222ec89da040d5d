// Commands about what services run on: nodes, machines, clusters, and what is staged on them.
import { helpOf } from './command-help.ts';
import type { CommandEntry } from './command.ts';

export const MACHINE_COMMANDS: readonly (readonly [string, CommandEntry])[] = [
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
    'node run',
    { help: helpOf.nodeRun, load: async () => (await import('./commands/node-run.ts')).nodeRun },
  ],
  [
    'node join',
    { help: helpOf.nodeJoin, load: async () => (await import('./commands/node-join.ts')).nodeJoin },
  ],
  [
    'token create',
    {
      help: helpOf.tokenCreate,
      load: async () => (await import('./commands/token-create.ts')).tokenCreate,
    },
  ],
  [
    'token list',
    {
      help: helpOf.tokenList,
      load: async () => (await import('./commands/token-list.ts')).tokenList,
    },
  ],
  [
    'token delete',
    {
      help: helpOf.tokenDelete,
      load: async () => (await import('./commands/token-delete.ts')).tokenDelete,
    },
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
    'artifact status',
    {
      help: helpOf.artifactStatus,
      load: async () => (await import('./commands/artifact-status.ts')).artifactStatus,
    },
  ],
  [
    'artifact fetch',
    {
      help: helpOf.artifactFetch,
      load: async () => (await import('./commands/artifact-fetch.ts')).artifactFetch,
    },
  ],
  [
    'artifact verify',
    {
      help: helpOf.artifactVerify,
      load: async () => (await import('./commands/artifact-verify.ts')).artifactVerify,
    },
  ],
  [
    'artifact prune',
    {
      help: helpOf.artifactPrune,
      load: async () => (await import('./commands/artifact-prune.ts')).artifactPrune,
    },
  ],
  [
    'artifact bundle create',
    {
      help: helpOf.artifactBundleCreate,
      load: async () => (await import('./commands/artifact-bundle-create.ts')).artifactBundleCreate,
    },
  ],
  [
    'artifact bundle import',
    {
      help: helpOf.artifactBundleImport,
      load: async () => (await import('./commands/artifact-bundle-import.ts')).artifactBundleImport,
    },
  ],
];
