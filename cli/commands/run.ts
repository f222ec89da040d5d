// `windlass run IMAGE`: a service made of an image and a few flags, rolled out.
import type { HttpClient } from '#controllers/machinery/client.ts';
import { isAlreadyExists } from '#controllers/machinery/request-error.ts';
import { SERVICES } from '#controllers/machinery/resources.ts';
import type { IngressEntry } from '#controllers/service/types.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { followToEnd } from '../deploy/follow-to-end.ts';
import { followOptions, timeoutOf } from '../follow-options.ts';
import { readBeside } from '../project/compose-files.ts';
import { runManifest } from '../run/run-manifest.ts';
import type { RunManifest } from '../run/run-manifest.ts';
import { randomSuffix, serviceNameOf } from '../run/service-name.ts';
import { serviceOptions } from '../service-options.ts';
import { CommandError, UsageError } from '../usage-error.ts';

export const run = defineCommand({
  help: helpOf.run,
  options: {
    name: {
      type: 'string',
      placeholder: 'NAME',
      help: 'Name of the service (default: made of the image)',
    },
    publish: { type: 'list', short: 'p', placeholder: 'PORT', help: 'Port to publish, see above' },
    volume: { type: 'list', short: 'v', placeholder: 'VOLUME', help: 'Volume to mount, see above' },
    env: {
      type: 'list',
      short: 'e',
      placeholder: 'NAME=VALUE',
      help: 'Environment variable; NAME alone takes its value from here',
    },
    replicas: {
      type: 'integer',
      placeholder: 'N',
      minimum: 0,
      maximum: 2_147_483_647,
      help: 'Number of instances (default: 1)',
    },
    mode: {
      type: 'choice',
      choices: ['replicated', 'global'],
      default: 'replicated',
      help: 'global runs one instance on each node',
    },
    machine: {
      type: 'list',
      short: 'm',
      placeholder: 'NODE',
      help: 'Node that may have instances (default: all)',
    },
    entrypoint: {
      type: 'string',
      placeholder: 'PROGRAM',
      help: "Instead of the image's; COMMAND is then its arguments",
    },
    user: { type: 'string', short: 'u', placeholder: 'USER[:GROUP]', help: 'Who runs it' },
    privileged: { type: 'boolean', help: 'Give it all that root on the machine may do' },
    cpu: { type: 'string', placeholder: 'CORES', help: 'Limit, such as 0.5' },
    memory: { type: 'string', placeholder: 'SIZE', help: 'Limit, such as 512m or 2g' },
    pull: {
      type: 'choice',
      choices: ['missing', 'always', 'never'],
      default: 'missing',
      help: 'When the image is pulled',
    },
    'mount-config': {
      type: 'list',
      placeholder: 'FILE:PATH',
      help: 'Put the content of a file here at a path in the instances',
    },
    secret: {
      type: 'list',
      placeholder: 'NAME[/KEY][:PATH]',
      help: 'Put a key of a Secret at a path (default: key NAME, at /run/secrets)',
    },
    'cluster-domain': {
      type: 'string',
      placeholder: 'NAME',
      help: 'Give HTTP ports the host SERVICE.NAME too (default: without a host they serve any)',
    },
    caddyfile: {
      type: 'string',
      placeholder: 'FILE',
      help: 'Refused: the ingress is no Caddy; publish with -p HOSTNAME:PORT/https',
    },
    detach: { type: 'boolean', short: 'd', help: 'Do not wait for the rollout' },
    ...followOptions,
    ...serviceOptions,
    ...clientOptions,
  },
  words: ['IMAGE'],
  moreWords: true,
  async run(values, [image = '', ...command], io) {
    const generated = serviceNameOf(image, randomSuffix());
    const { name = generated, namespace } = values;
    if (values.caddyfile !== undefined)
      throw new UsageError(
        '--caddyfile is not supported: the ingress is no Caddy; publish with -p HOSTNAME:PORT/https',
      );
    const timeoutMs = timeoutOf(values.timeout);
    const manifest = runManifest({
      name,
      namespace,
      image,
      command,
      entrypoint: values.entrypoint,
      mode: values.mode,
      replicas: values.replicas,
      machines: values.machine,
      ports: values.publish,
      clusterDomain: values['cluster-domain'],
      volumes: values.volume,
      configs: values['mount-config'],
      secrets: values.secret,
      env: values.env,
      environment: io.environment,
      user: values.user,
      privileged: values.privileged,
      cpu: values.cpu,
      memory: values.memory,
      pull: values.pull,
      readFile: (path) => readBeside('.', path),
    });
    const signal = io.stopSignal();
    await withClient(values, 'run', async (client) => {
      await create(client, manifest, signal);
      io.out(`service.windlass.dev/${name} created\n`);
      if (values.detach) return;
      const service = { namespace, name, generation: 1 };
      await followToEnd(client, [service], io, {
        timeoutMs,
        command: `windlass logs ${name}`,
        logLines: values['log-lines'],
      });
      for (const entry of manifest.spec.ingress ?? [])
        io.out(`${name} answers at ${addressOf(entry)}\n`);
    });
    return 0;
  },
});

async function create(
  client: HttpClient,
  service: RunManifest,
  signal: AbortSignal,
): Promise<void> {
  const { name, namespace } = service.metadata;
  try {
    await client.create(SERVICES, namespace, service, signal);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    throw new CommandError(
      `service ${name} exists in namespace ${namespace} already`,
      'Choose another --name, or change it with windlass deploy -f FILE.',
      { cause: error },
    );
  }
}

/** As a browser of this machine has it, where it is for one. */
function addressOf({ port, protocol = 'TCP', host = '' }: IngressEntry): string {
  if (protocol === 'UDP') return `udp://127.0.0.1:${port}`;
  const [scheme, usual] = protocol === 'HTTPS' ? ['https', 443] : ['http', 80];
  const name = host === '' ? '127.0.0.1' : host;
  return `${scheme}://${name}${port === usual && host !== '' ? '' : `:${port}`}`;
}
