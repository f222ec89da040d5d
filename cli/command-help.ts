// Usage and summary of each command, apart from the commands so that `windlass --help` loads none of them.
import type { CommandHelp } from './help.ts';

export const helpOf = {
  up: {
    usage: 'up',
    summary: "Run the API server, the controllers and this machine's node agent",
    description:
      'Everything is in one process. State stays in the data directory: the next start picks up where this one stopped.',
  },
  controllers: {
    usage: 'controllers',
    summary: 'Run the controllers alone, against any Kubernetes API server',
    description:
      'On a server of Windlass it runs all of them, on any other only those of our kinds: docs/kubernetes.md.\nInstall deploy/crds and deploy/kubernetes there first.',
  },
  machinePlan: {
    usage: 'machine plan -f PATH',
    summary: 'Show what applying machines would do to them, and why',
  },
  machineApply: {
    usage: 'machine apply -f PATH',
    summary: 'Apply machines and show their steps until they are done',
    description:
      'Exit code 0: every machine is what its file says. 1: one failed, or went back to what it ran before.',
  },
  machineStatus: {
    usage: 'machine status NAME',
    summary: 'Show the steps of a machine as a tree',
  },
  nodeRun: {
    usage: 'node run',
    summary: 'Run the node agent of this machine alone',
  },
  nodeJoin: {
    usage: 'node join URL --token TOKEN',
    summary: 'Let this machine into a cluster, and run its node agent',
    description:
      'The token comes from windlass token create. The next time no token is needed, neither here nor with node run.',
  },
  tokenCreate: {
    usage: 'token create',
    summary: 'Print a token by which machines may join',
  },
  tokenList: {
    usage: 'token list',
    summary: 'List the tokens by which machines may join, without their secrets',
  },
  tokenDelete: {
    usage: 'token delete ID',
    summary: 'Let nobody join with a token any more',
  },
  nodeCordon: {
    usage: 'node cordon NODE',
    summary: 'Give a node no new instances; those that it has stay',
  },
  nodeUncordon: {
    usage: 'node uncordon NODE',
    summary: 'Let a node take instances again',
  },
  nodeDrain: {
    usage: 'node drain NODE',
    summary: 'Move everything off a node, and say what cannot move and why',
    description:
      'PodDisruptionBudgets are kept to: what they hold back is tried again until --timeout. Exit code 0: all that had to go is gone.',
  },
  nodeRemove: {
    usage: 'node remove NODE',
    summary: 'Take a node out for good: drained if it answers, given up if it does not',
    description:
      'Instances of a dead machine are freed to run elsewhere. When volumes would be lost, only with --force.',
  },
  machinePreflight: {
    usage: 'machine preflight NAME',
    summary: 'Check whether a machine could become a node, without changing anything',
  },
  machineStart: {
    usage: 'machine start NAME',
    summary: 'Start a machine that was stopped',
  },
  machineStop: {
    usage: 'machine stop NAME',
    summary: 'Stop a machine; it keeps what it has',
  },
  machineReboot: {
    usage: 'machine reboot NAME',
    summary: 'Restart a machine, and wait until it is ready again',
  },
  machineRollback: {
    usage: 'machine rollback NAME',
    summary: 'Go back to the last root of a machine that worked',
  },
  machineRetry: {
    usage: 'machine retry NAME',
    summary: 'Try again what failed on a machine',
  },
  machineReset: {
    usage: 'machine reset NAME',
    summary: 'Take everything of ours off a machine',
    description: 'What runs there is gone. Asks first, unless --yes.',
  },
  machineCollectLogs: {
    usage: 'machine collect-logs NAME',
    summary: 'Bring the logs of a machine here, as a tar.gz without what looks like a secret',
    description:
      'The controllers read them over the connection of the machine and keep them in a Secret until --keep is over.',
  },
  nodeKubeconfig: {
    usage: 'node kubeconfig NAME',
    summary: 'Write the kubeconfig that the node agent of another machine runs with',
    description: 'Run it where the server runs: it signs with the authority in the data directory.',
  },
  status: {
    usage: 'status',
    summary: 'Say whether the server runs, where, what it holds, and what keeps it',
    description:
      'Exit code 0: it runs, and takes writes; 1: it does not. Of a stopped one it says where its state stands.',
  },
  plan: {
    usage: 'plan -f FILE [SERVICE…]',
    summary: 'Show what applying a file would do to its services, and why',
    description:
      'Changes nothing. The server judges the manifests in a dry run; with --state nothing but files is read.',
  },
  deploy: {
    usage: 'deploy -f FILE [SERVICE…]',
    summary: 'Plan, ask, apply and follow the rollout of the services in a file',
    description: [
      'FILE is a manifest or a Compose file; services named here take along what they depend on.',
      'Exit code 0: rolled out; 1: not; 2: wrong usage; 3: all that is left waits for windlass promote.',
      'Ctrl-C only ends the watching: the controllers finish the rollout.',
    ].join('\n'),
  },
  diff: {
    usage: 'diff -f FILE [SERVICE…]',
    summary: 'Show what applying a file would change, line by line',
    description: 'Exit code 0: nothing; 1: something; 2: it could not be found out.',
  },
  run: {
    usage: 'run IMAGE [FLAGS] [-- COMMAND…]',
    summary: 'Create a service from an image',
    description: [
      'Ports: [HOSTNAME:][MACHINE_PORT:]CONTAINER_PORT[/tcp|udp|http|https] is served by the ingress of each machine',
      '(a hostname alone means https), [IP:]MACHINE_PORT:CONTAINER_PORT[/tcp|udp]@host is bound where an instance runs.',
      "COMMAND is the whole program: it replaces the image's entrypoint. The process runtime needs one.",
      'Volumes: NAME:PATH[:ro] is a volume of the machine, created where missing; /FOLDER:PATH[:ro] a folder of it.',
    ].join('\n'),
  },
  logs: {
    usage: 'logs SERVICE [INSTANCE…]',
    summary: 'Print the logs of all instances of a service, merged by time',
  },
  scale: {
    usage: 'scale SERVICE N',
    summary: 'Set the number of instances of a service; 0 keeps it without any',
  },
  restart: {
    usage: 'restart SERVICE',
    summary: 'Replace the instances of a service by new ones, as a rollout',
  },
  clusterPlan: {
    usage: 'cluster plan -f FILE',
    summary: 'Show what a Cluster would change about machines',
  },
  clusterApply: {
    usage: 'cluster apply -f FILE',
    summary: 'Make or change a cluster, and follow it until it is ready',
  },
  clusterStatus: {
    usage: 'cluster status NAME',
    summary: 'Show a cluster, its machines and what is being done to them',
  },
  clusterList: {
    usage: 'cluster list',
    summary: 'List clusters',
  },
  clusterStart: {
    usage: 'cluster start NAME',
    summary: 'Start exactly the machines that ran when the cluster was stopped',
  },
  clusterStop: {
    usage: 'cluster stop NAME',
    summary: 'Stop the machines of a cluster: what they have is kept',
  },
  clusterDelete: {
    usage: 'cluster delete NAME',
    summary: 'Remove a cluster and its machines',
  },
  pause: {
    usage: 'pause SERVICE',
    summary: 'Hold the updates of a service: what runs is kept',
  },
  resume: {
    usage: 'resume SERVICE',
    summary: 'Let the updates of a paused service go on',
  },
  history: {
    usage: 'history SERVICE',
    summary: 'List the revisions of a service',
  },
  rollback: {
    usage: 'rollback SERVICE',
    summary: 'Bring a service back to an earlier revision',
    description:
      'The rollback is itself a rollout: one instance at a time, each ready before the next.',
  },
  promote: {
    usage: 'promote SERVICE',
    summary:
      'Let a rollout that waits for it go on: the next step of a canary, or the switch to green',
  },
  abort: {
    usage: 'abort SERVICE',
    summary: 'Give the rollout that is under way up, and go back to the revision before',
  },
  generateName: {
    usage: 'generate-name IMAGE',
    summary: 'Print a name for a service that runs an image',
  },
  imagePush: {
    usage: 'image push IMAGE',
    summary: 'Bring an image of the local Docker Engine to the machines, without a registry',
    description: [
      'Layers that a machine has are not sent again; a push that was interrupted goes on where it was.',
      'Services that use it want imagePullPolicy IfNotPresent or Never: no registry can be asked for it.',
      'The local Engine is that of DOCKER_HOST.',
    ].join('\n'),
  },
  artifactStatus: {
    usage: 'artifact status',
    summary: 'Say what the Artifacts of the server are at',
    description: 'Exit code 0: all of them are ready; 1: not.',
  },
  artifactFetch: {
    usage: 'artifact fetch -f FILE',
    summary: 'Fetch the Artifacts of a file into a store, without a server',
    description:
      'Secrets that they name are looked for in the files. Exit code 0: all are there, and verified; 1: not.',
  },
  artifactVerify: {
    usage: 'artifact verify',
    summary: 'Hash every file of a store, and remove what is damaged',
    description:
      'What Artifacts want is fetched again. Exit code 0: all are good; 1: some were not.',
  },
  artifactPrune: {
    usage: 'artifact prune',
    summary: 'Remove what no Artifact of the server wants',
    description: 'Earlier digests that Artifacts retain stay, and so does what came in bundles.',
  },
  artifactBundleCreate: {
    usage: 'artifact bundle create FILE -f MANIFEST',
    summary: 'Put the Artifacts of a manifest into one file, for machines without the internet',
  },
  artifactBundleImport: {
    usage: 'artifact bundle import FILE',
    summary: 'Take a bundle into a store, verified',
    description:
      'Artifacts that want what is in it fetch nothing then. It stays until windlass artifact prune --bundles.',
  },
  certificatesStatus: {
    usage: 'certificates status',
    summary: "Show when the server's own certificates end",
  },
  certificatesRenew: {
    usage: 'certificates renew',
    summary:
      "Change the server's keys and certificates, and those in its kubeconfig files, while it runs",
  },
  certificatesRotateAuthority: {
    usage: 'certificates rotate-authority',
    summary: 'Change the certificate authority while the server runs',
    description: [
      'Whoever knows only the former authority still believes the server, and certificates of the former still count, until they end',
      'or until windlass certificates forget-authorities. Hand out kubeconfig files anew before that.',
    ].join('\n'),
  },
  certificatesForgetAuthorities: {
    usage: 'certificates forget-authorities',
    summary: 'Believe no certificate any more that a former authority signed',
    description:
      'All connections are ended. Nodes of other machines and people whose kubeconfig file is from before the change are locked out.',
  },
  secretsStatus: {
    usage: 'secrets status',
    summary: 'Show the keys that Secrets are sealed with, and how many objects each one seals',
  },
  secretsRotate: {
    usage: 'secrets rotate',
    summary: 'Make a new key and seal all Secrets with it, while the server runs',
    description: [
      'What a rotation that was cut short left over is finished first, without another key. Ctrl-C only ends the watching.',
      'Exit code 0: all is sealed with the first key; 1: not; 2: wrong usage; 3: another rotation is under way.',
    ].join('\n'),
  },
  secretsPruneKeys: {
    usage: 'secrets prune-keys',
    summary: 'Take keys that nothing stored needs any more out of the key file',
    description: [
      'History counts: after a rotation old versions stay for some minutes. Backups made before need the old key: keep a copy.',
      'Exit code 0: none but the first key is left; 1: not done; 2: wrong usage; 3: some are needed still.',
    ].join('\n'),
  },
  check: {
    usage: 'check',
    summary: 'Verify the state of a stopped server: every instance, every record',
    description:
      'Changes nothing. Exit code 0: all are whole and of one cluster; 1: one is damaged, missing or in use; 2: wrong usage.',
  },
  backupCreate: {
    usage: 'backup create --to PATH|URL',
    summary: 'Back up the whole state at one revision, while the server runs or is stopped',
    description: [
      'A file is complete when it has its name: it is never overwritten, and a backup that is cut off leaves only a .partial, which the next one into the same folder removes.',
      'Secrets stay sealed: keep the key file (.windlass.key) apart from the backup, without it they cannot be read.',
      'Exit code 0: the backup is there and durable; 1: it is not; 2: wrong usage.',
    ].join('\n'),
  },
  backupVerify: {
    usage: 'backup verify PATH|URL',
    summary: 'Read all of a backup and check it',
    description:
      'Exit code 0: it is whole; 1: it is damaged, cut off or no backup; 2: wrong usage.',
  },
  restore: {
    usage: 'restore --from PATH|URL --to URL',
    summary: 'Put the state of a backup into an empty instance',
    description: [
      'A target that holds anything is refused. The backup is verified before anything is written, and the target is filled whole or',
      'not at all. resourceVersions go on far above all that were ever given, so that none is given twice and every client lists anew.',
      'Exit code 0: restored; 1: not, and the target is as it was; 2: wrong usage.',
    ].join('\n'),
  },
  migrate: {
    usage: 'migrate --from URL --to URL',
    summary:
      'Move the state of a running or a stopped server into another instance, revisions and history and all',
    description: [
      'The target must be empty. While the server runs it is filled as a replica and then made the primary; until then the old one is in charge, and the same command again goes on with what was copied. Of a stopped server it is filled whole or not at all, and verified. What it was moved from is left as it is.',
      'Exit code 0: moved; 1: not; 2: wrong usage.',
    ].join('\n'),
  },
  persistenceStatus: {
    usage: 'persistence status',
    summary: 'Show what keeps the state, and how each instance is doing',
    description:
      'Exit code 0: all are up (of a stopped server: usable); 1: one is not; 2: wrong usage.',
  },
  persistenceVerify: {
    usage: 'persistence verify [INSTANCE…]',
    summary: 'Read and check all that the instances hold, while the server runs',
    description: 'Exit code 0: all are whole; 1: one is damaged; 2: wrong usage.',
  },
  persistenceResync: {
    usage: 'persistence resync INSTANCE',
    summary: 'Fill a replica anew from the primary; what it held is set aside',
    description:
      'Exit code 0: it has everything; 1: it could not be done, or not in time; 2: wrong usage.',
  },
  persistencePromote: {
    usage: 'persistence promote INSTANCE',
    summary: 'Make a replica the primary while the server runs; the primary becomes a replica',
    description:
      'Writes wait for the moment of the switch, and none is lost. It stays so over restarts, as long as --persistence names the same instance first as before. Exit code 0: it is the primary; 1: it could not be done, and nothing has changed; 2: wrong usage.',
  },
  persistenceDiff: {
    usage: 'persistence diff A B',
    summary: 'Show in which objects two instances, or an instance and a backup, differ',
    description:
      'A and B are names of instances of the server, URLs, or backup files. Exit code 0: in none; 1: in some; 2: it could not be found out.',
  },
  persistenceCat: {
    usage: 'persistence cat KIND KEY',
    summary: 'Print one object as it is stored',
    description:
      'KIND is GROUP/PLURAL (core/pods), KEY is NAMESPACE/NAME or NAME. Exit code 0: printed; 1: there is none, or it is sealed; 2: wrong usage.',
  },
  persistenceLog: {
    usage: 'persistence log',
    summary: 'List the changes that an instance still knows',
    description: 'Exit code 0: listed; 1: it could not be read; 2: wrong usage.',
  },
  console: {
    usage: 'console',
    summary: 'Open the console in a browser, signed in as whoever the kubeconfig says',
    description:
      'The address that it opens, or prints where there is no display, signs in once and within a minute: docs/console.md.',
  },
  version: {
    usage: 'version',
    summary: 'Print the versions of Windlass, of the Kubernetes API it speaks, and of Node',
  },
} as const satisfies Readonly<Record<string, CommandHelp>>;
