// What nodes of a Windlass cluster run: our own control plane and agents. Pure.
import { isController } from '../../wanted-machines.ts';
import type { Member } from '../../member-driver.ts';

/** Of spec.distributionOptions.configuration. */
export interface WindlassConfiguration {
  /** Program and first arguments of windlass on the node; empty: the node runs what its provider says. */
  readonly program: readonly string[];
  /** What nodes run where there is no program; undefined: what their image or provider says. */
  readonly command: readonly string[] | undefined;
  /** Of the first controller; the next have the next ones where they share an address. */
  readonly port: number;
  readonly runtime: string;
}

/** Below the folder that a node keeps. */
const DATA = 'windlass';

/** @throws Error naming the field */
export function windlassConfiguration(
  configuration: Readonly<Record<string, unknown>>,
  program: readonly string[],
): WindlassConfiguration {
  const { program: own = program, port = 6443, runtime = 'process', command } = configuration;
  const field = (name: string): string => `spec.distributionOptions.configuration.${name}`;
  if (!isTexts(own))
    throw new Error(`${field('program')} must be a list of texts, found ${JSON.stringify(own)}`);
  if (command !== undefined && !isTexts(command))
    throw new Error(
      `${field('command')} must be a list of texts, found ${JSON.stringify(command)}`,
    );
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(
      `${field('port')} must be a port from 1 to 65535, found ${JSON.stringify(port)}`,
    );
  if (runtime !== 'process' && runtime !== 'docker' && runtime !== 'auto')
    throw new Error(
      `${field('runtime')} must be process, docker or auto, found ${JSON.stringify(runtime)}`,
    );
  return { program: own, command, port, runtime };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((word) => typeof word === 'string');
}

/** Controllers of the cluster, in the order of their names. */
export function controllersOf({ peers }: Member): readonly string[] {
  return peers
    .filter(({ spec }) => isController(spec.role))
    .map(({ metadata }) => metadata.name)
    .toSorted((left, right) => (left < right ? -1 : 1));
}

export function portOf(member: Member, { port }: WindlassConfiguration): number {
  return port + Math.max(0, controllersOf(member).indexOf(member.machine.metadata.name));
}

/** Undefined: what the provider says. Paths are below the folder that the node keeps, side by side with those of its neighbours. */
export function commandOf(
  member: Member,
  configuration: WindlassConfiguration,
): readonly string[] | undefined {
  const { program, runtime } = configuration;
  if (program.length === 0) return configuration.command;
  const { name } = member.machine.metadata;
  const common = ['--runtime', runtime, '--log-format', 'json'];
  if (isController(member.role))
    return [
      ...program,
      'up',
      '--data-dir',
      DATA,
      '--port',
      String(portOf(member, configuration)),
      ...(member.role === 'controller' ? ['--no-node'] : []),
      ...common,
      ...member.flags,
    ];
  const [controller = ''] = controllersOf(member);
  // The key of a node is made where the server's are; both lie on this machine. An agent ends when its server is not there: as the
  // unit of a service would, the script starts it again.
  const script = [
    'name=$1 server=$2; shift 2',
    `until [ -s node.kubeconfig ] || "$@" node kubeconfig "$name" --data-dir "$server" -o node.kubeconfig; do sleep 1; done`,
    `trap 'trap "" TERM INT; kill -TERM $child 2>/dev/null; wait $child; exit 0' TERM INT`,
    'while :; do',
    `  "$@" node run --kubeconfig node.kubeconfig --node-name "$name" --data-dir ${DATA} ${common.join(' ')} & child=$!`,
    '  wait $child',
    '  sleep 1',
    'done',
  ];
  return [
    '/bin/sh',
    '-c',
    script.join('\n'),
    'join',
    name,
    `../../${controller}/data/${DATA}`,
    ...program,
  ];
}

/** Of a node of provider Local. */
export function adminKubeconfig(stateDirectory: string, controller: string): string {
  return `${stateDirectory}/${controller}/data/${DATA}/admin.kubeconfig`;
}
