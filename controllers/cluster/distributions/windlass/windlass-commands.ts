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
  /** Whether each node is a machine of its own, and no process of this one. */
  readonly isElsewhere: boolean;
}

/** How nodes of machines of their own find each other. */
export interface Joining {
  /** `ID.SECRET.HASH` */
  readonly token: string;
  /** What a controller begins with. */
  readonly seed: string;
  /** Of the API, as nodes reach it; undefined for controllers, which need none. */
  readonly server: string | undefined;
}

/** Below the folder that a node keeps. */
const DATA = 'windlass';
/** On a machine of its own. */
const OWN_DATA = '/var/lib/windlass';
/** What the environment of a node is called by, for its program, its image or its userData. */
const SEED = 'WINDLASS_CLUSTER_SEED';
const TOKEN = 'WINDLASS_TOKEN';
const SERVER = 'WINDLASS_SERVER';

/** @throws Error naming the field */
export function windlassConfiguration(
  configuration: Readonly<Record<string, unknown>>,
  program: readonly string[],
  isElsewhere = false,
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
  return { program: own, command, port, runtime, isElsewhere };
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

/** On the Machine of a controller that shares its address with others: how far its port is from that of the configuration. */
export const PORT_ANNOTATION = 'windlass.dev/port-offset';

export function portOf(
  member: Member,
  { port, isElsewhere }: WindlassConfiguration,
  name = member.machine.metadata.name,
): number {
  return isElsewhere ? port : port + portOffset(member, name);
}

/** It keeps the one it has, whoever else comes and goes; one that has none gets the first that is free. */
export function portOffset(member: Member, name = member.machine.metadata.name): number {
  const kept = new Map<string, number>();
  // The machine itself was read last.
  for (const { metadata } of [...member.peers, member.machine]) {
    const text = metadata.annotations?.[PORT_ANNOTATION] ?? '';
    if (/^\d{1,4}$/.test(text)) kept.set(metadata.name, Number(text));
  }
  const taken = new Set(kept.values());
  let free = 0;
  for (const controller of controllersOf(member)) {
    const own = kept.get(controller);
    if (own === undefined) {
      while (taken.has(free)) free += 1;
      taken.add(free);
    }
    if (controller === name) return own ?? free;
  }
  return 0;
}

/** What the node's program, image or userData may join with. Controllers get the seed, workers the token. */
export function environmentOf(
  { role }: Member,
  { token, seed, server }: Joining,
): Readonly<Record<string, string>> {
  if (isController(role)) return { [SEED]: seed };
  return { [TOKEN]: token, ...(server === undefined ? {} : { [SERVER]: server }) };
}

/** Undefined: what the image or the provider says. Secrets are in the environment, in no argument. */
export function commandElsewhere(
  member: Member,
  configuration: WindlassConfiguration,
  { server }: Pick<Joining, 'server'>,
): readonly string[] | undefined {
  const { program, runtime, port } = configuration;
  if (program.length === 0) return configuration.command;
  const common = ['--data-dir', OWN_DATA, '--runtime', runtime, '--log-format', 'json'];
  if (isController(member.role))
    return [
      ...program,
      'up',
      ...common,
      '--bind',
      '0.0.0.0',
      '--port',
      String(port),
      '--seed',
      `env:${SEED}`,
      ...(member.role === 'controller' ? ['--no-node'] : []),
      ...member.flags,
    ];
  // The token is what the flag --token is by default.
  const { name } = member.machine.metadata;
  return [...program, 'node', 'join', server ?? '', '--node-name', name, ...common];
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
