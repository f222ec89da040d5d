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
    description: 'Install deploy/crds on that server first.',
  },
  nodeRun: {
    usage: 'node run',
    summary: 'Run the node agent of this machine alone',
  },
  status: {
    usage: 'status',
    summary: 'Say whether the server runs, where, and what it holds',
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
  version: {
    usage: 'version',
    summary: 'Print the versions of Windlass, of the Kubernetes API it speaks, and of Node',
  },
} as const satisfies Readonly<Record<string, CommandHelp>>;
