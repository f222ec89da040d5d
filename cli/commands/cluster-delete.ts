// `windlass cluster delete NAME`: its machines, then what their infrastructure has of it, then the cluster itself.
import { CLUSTERS } from '#controllers/machinery/resources.ts';
import { clusterOptions, followCluster, machinesOf, readCluster } from '../cluster/clusters.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { confirm } from '../confirm.ts';
import { clientOptions, withClient } from '../connect.ts';
import { followOptions, timeoutOf } from '../follow-options.ts';

export const clusterDelete = defineCommand({
  help: helpOf.clusterDelete,
  options: {
    ...clusterOptions,
    yes: { type: 'boolean', short: 'y', help: 'Do not ask' },
    detach: { type: 'boolean', help: 'Do not wait until it is gone' },
    timeout: followOptions.timeout,
    ...clientOptions,
  },
  words: ['NAME'],
  async run(values, [name = ''], io) {
    const timeoutMs = timeoutOf(values.timeout);
    const signal = io.stopSignal();
    await withClient(values, 'cluster delete', async (client) => {
      const cluster = await readCluster(client, values.namespace, name, signal);
      const machines = await machinesOf(client, cluster, signal);
      const question = `Delete cluster ${name} and its ${machines.length} machines?`;
      await confirm({ question, action: 'Deletion', isAgreed: values.yes }, io);
      const { namespace = '', uid } = cluster.metadata;
      await client.delete(CLUSTERS, namespace, name, { uid }, signal);
      if (!values.detach) await followCluster(client, cluster, 'Gone', timeoutMs, io, signal);
    });
    io.out(`cluster.windlass.dev/${name} ${values.detach ? 'is being deleted' : 'deleted'}\n`);
    return 0;
  },
});
