// `windlass cluster status NAME` and `windlass cluster list`: what there is, and what is being done.
import type { Cluster } from '#controllers/cluster/types.ts';
import { CLUSTERS } from '#controllers/machinery/resources.ts';
import { clusterRows, planText, treeLines } from '../cluster/cluster-text.ts';
import { clusterOptions, followCluster, machinesOf, readCluster } from '../cluster/clusters.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { followOptions, timeoutOf } from '../follow-options.ts';
import { alignRows } from '../output.ts';

export const clusterStatus = defineCommand({
  help: helpOf.clusterStatus,
  options: {
    ...clusterOptions,
    follow: { type: 'boolean', help: 'Go on until the cluster is ready' },
    json: { type: 'boolean', help: 'As JSON' },
    timeout: followOptions.timeout,
    ...clientOptions,
  },
  words: ['NAME'],
  async run(values, [name = ''], io) {
    const timeoutMs = timeoutOf(values.timeout);
    const signal = io.stopSignal();
    await withClient(values, 'cluster status', async (client) => {
      const cluster = await readCluster(client, values.namespace, name, signal);
      if (values.follow) {
        await followCluster(client, cluster, 'Ready', timeoutMs, io, signal);
        return;
      }
      const machines = await machinesOf(client, cluster, signal);
      if (values.json) {
        io.out(
          `${JSON.stringify({ ...cluster.status, machines: machines.map(({ metadata, status }) => ({ name: metadata.name, ...status })) }, undefined, 2)}\n`,
        );
        return;
      }
      for (const [, text] of treeLines(cluster, machines)) io.out(`${text}\n`);
      const { plan = [], planHash = '', conditions = [] } = cluster.status ?? {};
      if (plan.length > 0) io.out(`\n${planText(plan, planHash)}`);
      const told = conditions.map(({ type, status, reason, message }) => [
        type,
        status,
        reason,
        message,
      ]);
      if (told.length > 0) io.out(`\n${alignRows(told, '  ')}`);
    });
    return 0;
  },
});

export const clusterList = defineCommand({
  help: helpOf.clusterList,
  options: {
    ...clusterOptions,
    'all-namespaces': { type: 'boolean', short: 'A', help: 'Of all namespaces' },
    json: { type: 'boolean', help: 'As JSON' },
    ...clientOptions,
  },
  async run(values, _words, io) {
    const signal = io.stopSignal();
    const selectors = values['all-namespaces'] ? {} : { namespace: values.namespace };
    const { items } = await withClient(values, 'cluster list', (client) =>
      client.list<Cluster>(CLUSTERS, selectors, signal),
    );
    if (values.json) io.out(`${JSON.stringify(items, undefined, 2)}\n`);
    else if (items.length === 0) io.err('There are no clusters.\n');
    else io.out(alignRows(clusterRows(items, values['all-namespaces']), '  '));
    return 0;
  },
});
