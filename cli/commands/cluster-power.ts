// `windlass cluster start|stop NAME`: all machines of a cluster off, and exactly those that ran on again.
import { clusterOptions, followCluster, patchCluster, readCluster } from '../cluster/clusters.ts';
import { defineCommand } from '../command.ts';
import type { Command } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { followOptions, timeoutOf } from '../follow-options.ts';

export const clusterStart = switching('clusterStart', 'Running');
export const clusterStop = switching('clusterStop', 'Stopped');

function switching(
  command: 'clusterStart' | 'clusterStop',
  powerState: 'Running' | 'Stopped',
): Command {
  return defineCommand({
    help: helpOf[command],
    options: {
      ...clusterOptions,
      detach: { type: 'boolean', help: 'Do not wait until it is done' },
      timeout: followOptions.timeout,
      ...clientOptions,
    },
    words: ['NAME'],
    async run(values, [name = ''], io) {
      const timeoutMs = timeoutOf(values.timeout);
      const signal = io.stopSignal();
      await withClient(
        values,
        `cluster ${powerState === 'Running' ? 'start' : 'stop'}`,
        async (client) => {
          const cluster = await readCluster(client, values.namespace, name, signal);
          const changed = await patchCluster(client, cluster, { powerState }, signal);
          const wanted = powerState === 'Running' ? 'Ready' : 'Stopped';
          if (!values.detach) await followCluster(client, changed, wanted, timeoutMs, io, signal);
        },
      );
      io.out(
        `cluster.windlass.dev/${name} ${values.detach ? 'is told to be' : 'is'} ${powerState.toLowerCase()}\n`,
      );
      return 0;
    },
  });
}
