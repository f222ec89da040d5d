// The container of a Compose service, and what of its Pod comes from the same fields.
import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import {
  ImageReferenceError,
  parseImageReference,
} from '#controllers/machinery/image-reference.ts';
import { containerPortsOf } from '../run/published-ports.ts';
import type { ContainerPort } from '../run/published-ports.ts';
import { environmentOf } from './environment.ts';
import type { Field } from './field.ts';
import type { ContentSource, DeclaredSecret } from './files.ts';
import { probesOf } from './health.ts';
import type { Ports } from './ports.ts';
import { resourcesOf } from './resources.ts';
import { securityContextOf } from './security.ts';
import type { Mounts } from './volumes.ts';
import { entriesOf } from './texts.ts';
import { commandWords } from './words.ts';

export interface ContainerInput {
  readonly service: Field;
  readonly name: string;
  readonly secrets: ReadonlyMap<string, DeclaredSecret>;
  readonly from: ContentSource;
  readonly ports: Ports;
  readonly mounts: Mounts;
  readonly entrypoint: readonly string[] | undefined;
}

export function containerOf(input: ContainerInput): V1Container {
  const { service, name, secrets, from, ports, mounts, entrypoint } = input;
  const command = service.get('command');
  const args = command === undefined ? [] : commandWords(command);
  const env = environmentOf(service, secrets, from);
  const containerPorts = declaredPorts(ports);
  const resources = resourcesOf(service);
  const security = securityContextOf(service);
  const folder = service.get('working_dir')?.text();
  if (entrypoint?.length === 0 && args.length === 0)
    service
      .get('entrypoint')
      ?.fail('is empty, and there is no command: nothing would say what to run');
  return {
    name,
    image: imageOf(service),
    imagePullPolicy: pullPolicyOf(service),
    ...commandOf(entrypoint, args),
    ...(folder === undefined ? {} : { workingDir: folder }),
    ...(env.length === 0 ? {} : { env: [...env] }),
    ...(containerPorts.length === 0 ? {} : { ports: [...containerPorts] }),
    ...(resources === undefined ? {} : { resources }),
    ...(mounts.mounts.length === 0 ? {} : { volumeMounts: [...mounts.mounts] }),
    ...probesOf(service),
    ...(Object.keys(security).length === 0 ? {} : { securityContext: security }),
    ...(service.get('tty')?.boolean() === true ? { tty: true } : {}),
    ...(service.get('stdin_open')?.boolean() === true ? { stdin: true } : {}),
  };
}

/** An entrypoint replaces the image's, and with it the image's command. An empty one leaves the command to be the program. */
function commandOf(
  entrypoint: readonly string[] | undefined,
  args: readonly string[],
): Pick<V1Container, 'command' | 'args'> {
  if (entrypoint?.length === 0) return { command: [...args] };
  return {
    ...(entrypoint === undefined ? {} : { command: [...entrypoint] }),
    ...(args.length === 0 ? {} : { args: [...args] }),
  };
}

/** `[""]` and `""` reset the image's, as nothing does. */
export function entrypointOf(service: Field): readonly string[] | undefined {
  const field = service.get('entrypoint');
  if (field === undefined) return undefined;
  const words = commandWords(field);
  return words.length === 1 && words[0] === '' ? [] : words;
}

function imageOf(service: Field): string {
  const image = service.get('image');
  const build = service.get('build');
  if (image === undefined) {
    build?.fail(
      'images are not built here: give the service an image: NAME, run docker compose build, then windlass image push NAME',
    );
    return service.fail('has no image');
  }
  build?.warn(
    `not built here: run docker compose build, then windlass image push ${image.text()}, before you deploy`,
  );
  const text = image.text();
  image.attempt(() => {
    try {
      parseImageReference(text);
    } catch (error) {
      if (error instanceof ImageReferenceError) throw new Error(error.message, { cause: error });
      throw error;
    }
  });
  return text;
}

/** What a Pod does with `latest` by itself, pulling it for every instance, Compose does not. */
function pullPolicyOf(service: Field): 'Always' | 'IfNotPresent' | 'Never' {
  const field = service.get('pull_policy');
  const policy = field?.text() ?? 'missing';
  switch (policy) {
    case 'always':
      return 'Always';
    case 'never':
      return 'Never';
    case 'missing':
    case 'if_not_present':
      return 'IfNotPresent';
    default:
      if (policy === 'build')
        field?.warn('images are not built here: windlass image push brings one to the machines');
      else if (/^(daily|weekly|every_.+)$/.test(policy))
        field?.warn('images are not pulled by time: pulled where it is missing');
      else field?.fail(`unsupported pull policy: '${policy}', use always, missing or never`);
      return 'IfNotPresent';
  }
}

function declaredPorts({ published, exposed }: Ports): readonly ContainerPort[] {
  const ports = containerPortsOf(published);
  const more = exposed
    .map(({ port, protocol }) => ({
      containerPort: port,
      protocol: protocol === 'udp' ? ('UDP' as const) : ('TCP' as const),
    }))
    .filter(
      (one) =>
        !ports.some(
          (port) => port.containerPort === one.containerPort && port.protocol === one.protocol,
        ),
    );
  return [...ports, ...new Map(more.map((port) => [JSON.stringify(port), port])).values()];
}

/** What is of the Pod. */
export function podFieldsOf(service: Field): Partial<V1PodSpec> {
  const hostname = service.get('hostname');
  const grace = service.get('stop_grace_period')?.duration();
  const hostAliases = aliasesOf(service.get('extra_hosts'));
  if (hostname !== undefined && !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(hostname.text()))
    hostname.fail(`'${hostname.text()}' must be up to 63 lower-case letters, digits and -`);
  return {
    ...(hostname === undefined ? {} : { hostname: hostname.text() }),
    // Docker's patience, which is less than a Pod's.
    terminationGracePeriodSeconds: grace === undefined ? 10 : Math.ceil(grace / 1000),
    ...(hostAliases.length === 0 ? {} : { hostAliases }),
  };
}

/** `[NAME=IP]`, `[NAME:IP]` or `{NAME: IP}`, in which IP may be a list. */
function aliasesOf(section: Field | undefined): { ip: string; hostnames: string[] }[] {
  const names = new Map<string, string[]>();
  const add = (field: Field, name: string, address: string): void => {
    const ip = address.replace(/^\[(.*)\]$/, '$1');
    if (ip === 'host-gateway')
      return field.warn('host-gateway is not supported; ignored: use the address of a machine');
    if (name === '' || !/^[0-9a-f.:]+$/i.test(ip)) field.fail('must be NAME=IP');
    names.set(ip, [...(names.get(ip) ?? []), name]);
  };
  if (section?.isMap === true)
    for (const [name, field] of section.entries())
      for (const item of field.itemsOrOne()) add(item, name, item.text());
  else
    for (const [text, value, field] of entriesOf(section)) {
      const [name = '', ...rest] = text.split(':');
      add(field, name, value ?? rest.join(':'));
    }
  return [...names].map(([ip, hostnames]) => ({ ip, hostnames }));
}
