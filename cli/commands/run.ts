// `windlass run IMAGE`: a service made of an image and a few flags, rolled out.
import type { HttpClient } from '#controllers/machinery/client.ts';
import type { ApiResource } from '#controllers/machinery/client-types.ts';
import { isAlreadyExists } from '#controllers/machinery/request-error.ts';
import { SERVICES } from '#controllers/machinery/resources.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { followToEnd } from '../deploy/follow-to-end.ts';
import { runManifest } from '../run/run-manifest.ts';
import type { RunManifest } from '../run/run-manifest.ts';
import { randomSuffix, serviceNameOf } from '../run/service-name.ts';
import { serviceOptions } from '../service-options.ts';
import { CommandError } from '../usage-error.ts';

const CLAIMS: ApiResource = {
  group: '',
  version: 'v1',
  resource: 'persistentvolumeclaims',
  kind: 'PersistentVolumeClaim',
  namespaced: true,
};

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
      default: 1,
      help: 'Number of instances',
    },
    detach: { type: 'boolean', short: 'd', help: 'Do not wait for the rollout' },
    ...serviceOptions,
    ...clientOptions,
  },
  words: ['IMAGE'],
  moreWords: true,
  async run(values, [image = '', ...command], io) {
    const generated = serviceNameOf(image, randomSuffix());
    const { name = generated, namespace } = values;
    const manifest = runManifest({
      name,
      namespace,
      image,
      command,
      ports: values.publish,
      volumes: values.volume,
      env: values.env,
      environment: io.environment,
      replicas: values.replicas,
    });
    const signal = io.stopSignal();
    await withClient(values, 'run', async (client) => {
      await createAll(client, manifest, signal);
      io.out(`service.windlass.dev/${name} created\n`);
      if (values.detach) return;
      const service = { namespace, name, generation: 1 };
      const shown = `windlass logs ${name}`;
      await followToEnd(client, [service], io, {
        timeoutMs: undefined,
        command: shown,
        logLines: 10,
      });
      for (const { port } of manifest.service.spec.ingress ?? [])
        io.out(`${name} answers at http://127.0.0.1:${port}\n`);
    });
    return 0;
  },
});

/** The service first: when it is refused, nothing has been made. */
async function createAll(
  client: HttpClient,
  { service, claims }: RunManifest,
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
  for (const claim of claims) {
    const object = {
      metadata: { name: claim },
      // What lies on a folder of the machine has no size of its own; the API wants one.
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    };
    try {
      await client.create(CLAIMS, namespace, object, signal);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }
}
