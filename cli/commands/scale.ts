// `windlass scale SERVICE N`: how many instances a service has.
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { serviceOptions } from '../service-options.ts';
import { patchSpec, readService } from '../services.ts';
import { CommandError, UsageError } from '../usage-error.ts';

/** What the API can hold in an int32. */
const MOST_REPLICAS = 2_147_483_647;

export const scale = defineCommand({
  help: helpOf.scale,
  options: { ...serviceOptions, ...clientOptions },
  words: ['SERVICE', 'N'],
  async run(values, [name = '', text = ''], io) {
    const replicas = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (!(replicas <= MOST_REPLICAS))
      throw new UsageError(`N must be a whole number from 0, found ${JSON.stringify(text)}`);
    const signal = io.stopSignal();
    const before = await withClient(values, 'scale', async (client) => {
      const service = await readService(client, values.namespace, name, signal);
      if (service.spec.mode === 'Global')
        throw new CommandError(
          `service ${name} is Global: it has one instance on each eligible node`,
          'Choose its nodes with spec.template.spec.nodeSelector, or make it Replicated.',
        );
      if (service.spec.replicas !== replicas)
        await patchSpec(client, service, { replicas }, signal);
      return service.spec.replicas ?? 1;
    });
    io.out(
      before === replicas
        ? `service.windlass.dev/${name} has ${replicas} instances already\n`
        : `service.windlass.dev/${name} scaled from ${before} to ${replicas}\n`,
    );
    return 0;
  },
});
