// `windlass cluster plan -f FILE`: what applying a file would do to machines, and `windlass cluster plan` of what is there.
import { planText } from '../cluster/cluster-text.ts';
import { clusterOptions } from '../cluster/clusters.ts';
import { clustersIn, previewCluster } from '../cluster/preview-cluster.ts';
import { readManifests } from '../apply/manifest.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { told } from '../file-options.ts';
import { CommandError, UsageError } from '../usage-error.ts';

export const clusterPlan = defineCommand({
  help: helpOf.clusterPlan,
  options: {
    ...clusterOptions,
    file: { type: 'string', short: 'f', placeholder: 'FILE', help: 'File with a Cluster' },
    json: { type: 'boolean', help: 'As JSON' },
    ...clientOptions,
  },
  async run(values, _words, io) {
    if (values.file === undefined) throw new UsageError('name the file with -f FILE');
    const { file } = values;
    const signal = io.stopSignal();
    const clusters = clustersIn(await told(async () => readManifests(file)));
    if (clusters.length === 0) throw new CommandError(`${file} holds no Cluster`);
    const previews = await withClient(values, 'cluster plan', (client) =>
      Promise.all(
        clusters.map((manifest) => previewCluster(client, manifest, values.namespace, signal)),
      ),
    );
    if (values.json) {
      const rows = previews.map(({ plan, ...rest }) => ({ ...rest, ...plan }));
      io.out(`${JSON.stringify(rows, undefined, 2)}\n`);
    } else
      for (const { name, plan, hash } of previews) {
        io.out(`Cluster ${name}\n\n${planText(plan.items, hash)}`);
        for (const { reason, message } of plan.problems) io.err(`${reason}: ${message}\n`);
      }
    return previews.some(({ plan }) => plan.problems.length > 0) ? 1 : 0;
  },
});
