// `windlass deploy -f FILE [SERVICE…]`: plan, ask, apply, and follow the rollout to its end.
import type { HttpClient } from '#controllers/machinery/client.ts';
import { SERVICES } from '#controllers/machinery/resources.ts';
import type { Service } from '#controllers/service/types.ts';
import { systemClock } from '#platform/clock.ts';
import { applyManifest } from '../apply/apply.ts';
import type { Applied, ApplyOptions } from '../apply/apply.ts';
import { defineCommand } from '../command.ts';
import type { CommandIO } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import type { Awaited } from '../deploy/await-rollout.ts';
import { confirm } from '../deploy/confirm.ts';
import {
  changesAnything,
  deploymentText,
  isUpToDate,
  leftoverHint,
  planDeployment,
} from '../deploy/deployment.ts';
import type { Deployment } from '../deploy/deployment.ts';
import { followToEnd } from '../deploy/follow-to-end.ts';
import { removeLeftover } from '../deploy/leftovers.ts';
import { withoutMonitoring } from '../deploy/skip-health.ts';
import { fileOptions, isService, told } from '../file-options.ts';
import { followOptions, timeoutOf } from '../follow-options.ts';
import { applyOptions } from '../plan/live-previews.ts';
import { readProject } from '../project/read-project.ts';
import type { Project } from '../project/read-project.ts';
import { restartedTemplate } from '../services.ts';
import { UsageError } from '../usage-error.ts';

export const deploy = defineCommand({
  help: helpOf.deploy,
  options: {
    ...fileOptions,
    yes: { type: 'boolean', short: 'y', help: 'Go on without being asked' },
    'dry-run': { type: 'boolean', help: 'Show the plan and change nothing' },
    recreate: { type: 'boolean', help: 'Replace every instance, changed or not' },
    'skip-health': {
      type: 'boolean',
      help: 'Do not watch new instances: monitorPeriod 0s, as if the file said so; probes still count',
    },
    prune: {
      type: 'boolean',
      help: 'Remove services, ConfigMaps and Secrets of the project that left its files; volumes stay',
    },
    ...followOptions,
    ...clientOptions,
  },
  moreWords: true,
  async run(values, names, io) {
    const { namespace, prune, recreate } = values;
    const timeoutMs = timeoutOf(values.timeout);
    const read = await readProject(values, names, io);
    if (prune && read.name === undefined)
      throw new UsageError(
        '--prune needs --project NAME: it removes what an earlier deployment of that project made',
      );
    for (const warning of read.warnings) io.err(`warning: ${warning}\n`);
    const project = values['skip-health'] ? withoutMonitoring(read) : read;
    const signal = io.stopSignal();
    const now = systemClock.now();
    const options: ApplyOptions = {
      ...(namespace === undefined ? {} : { namespace }),
      ...(recreate ? { overlay: { spec: { template: restartedTemplate(now) } } } : {}),
    };
    const planned = await withClient(
      values,
      'deploy',
      (client) => planDeployment(client, project, { ...options, prune }, now, signal),
      { dryRun: true },
    );
    const hint = leftoverHint(planned);
    if (isUpToDate(planned)) {
      io.out(`Services are up to date.\n${hint}`);
      return 0;
    }
    io.out(`${deploymentText(planned)}${hint}`);
    if (values['dry-run']) {
      io.out('Nothing was changed: --dry-run\n');
      return 0;
    }
    if (changesAnything(planned)) await confirm('Proceed with deployment?', values.yes, io);
    await withClient(values, 'deploy', async (client) => {
      const services = await applyAll(client, project, options, io);
      const command = `windlass deploy ${values.file.map((file) => `-f ${file}`).join(' ')}`;
      // Services that left go now, since new ones may need their ports; what they use goes when all is rolled out.
      await remove(client, planned, true, io);
      await followToEnd(client, services, io, {
        timeoutMs,
        command,
        logLines: values['log-lines'],
      });
      await remove(client, planned, false, io);
    });
    return 0;
  },
});

/** @returns the services among what was applied, to be followed */
async function applyAll(
  client: HttpClient,
  { manifests }: Project,
  { namespace, overlay }: ApplyOptions,
  io: CommandIO,
): Promise<readonly Awaited[]> {
  const services: Awaited[] = [];
  const signal = io.stopSignal();
  for (const manifest of manifests) {
    const one = await told(() =>
      applyManifest(client, manifest, signal, applyOptions(manifest, namespace, overlay)),
    );
    io.out(`${one.name} ${one.outcome}\n`);
    if (isService(manifest)) services.push(awaitedOf(one));
  }
  return services;
}

async function remove(
  client: HttpClient,
  { leftovers, prune }: Deployment,
  isOfServices: boolean,
  io: CommandIO,
): Promise<void> {
  if (!prune) return;
  for (const leftover of leftovers) {
    if ((leftover.resource === SERVICES) !== isOfServices) continue;
    const wasThere = await removeLeftover(client, leftover, io.stopSignal());
    io.out(`${leftover.name} ${wasThere ? 'deleted' : 'was deleted already'}\n`);
  }
}

function awaitedOf({ object }: Applied): Awaited {
  const { namespace = 'default', name, generation = 1 } = object.metadata;
  const { dependsOn = [] } = (object as Service).spec;
  return { namespace, name, generation, dependsOn };
}
