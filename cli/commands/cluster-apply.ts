// `windlass cluster apply -f FILE`: shows the plan, asks, applies the file and follows the cluster until it is what was asked for.
import type { Cluster } from '#controllers/cluster/types.ts';
import { applyManifest } from '../apply/apply.ts';
import { readManifests } from '../apply/manifest.ts';
import { planText } from '../cluster/cluster-text.ts';
import { clusterOptions, followCluster } from '../cluster/clusters.ts';
import { clustersIn, previewCluster } from '../cluster/preview-cluster.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { confirm } from '../confirm.ts';
import { clientOptions, withClient } from '../connect.ts';
import { told } from '../file-options.ts';
import { followOptions, timeoutOf } from '../follow-options.ts';
import { CommandError, UsageError } from '../usage-error.ts';

export const clusterApply = defineCommand({
  help: helpOf.clusterApply,
  options: {
    ...clusterOptions,
    file: {
      type: 'string',
      short: 'f',
      placeholder: 'FILE',
      help: 'File with a Cluster, and what else it needs',
    },
    yes: { type: 'boolean', short: 'y', help: 'Do not ask' },
    detach: { type: 'boolean', help: 'Do not wait until it is done' },
    timeout: followOptions.timeout,
    ...clientOptions,
  },
  async run(values, _words, io) {
    const { file, namespace } = values;
    if (file === undefined) throw new UsageError('name the file with -f FILE');
    const timeoutMs = timeoutOf(values.timeout);
    const signal = io.stopSignal();
    const manifests = await told(async () => readManifests(file));
    const clusters = clustersIn(manifests);
    if (clusters.length === 0) throw new CommandError(`${file} holds no Cluster`);
    await withClient(values, 'cluster apply', async (client) => {
      let changes = 0;
      for (const manifest of clusters) {
        const { name, plan, hash } = await previewCluster(client, manifest, namespace, signal);
        io.out(`Cluster ${name}\n\n${planText(plan.items, hash)}\n`);
        const [problem] = plan.problems;
        if (problem !== undefined) throw new CommandError(`${problem.reason}: ${problem.message}`);
        changes += plan.items.length;
      }
      if (changes > 0)
        await confirm({ question: 'Apply?', action: 'Apply', isAgreed: values.yes }, io);
      for (const manifest of manifests) {
        const applied = await told(() => applyManifest(client, manifest, signal, { namespace }));
        io.out(`${applied.name} ${applied.outcome}\n`);
        if (!clusters.includes(manifest) || values.detach) continue;
        // What the server answered with is of the kind that was asked for.
        await followCluster(client, applied.object as Cluster, 'Ready', timeoutMs, io, signal);
      }
    });
    return 0;
  },
});
