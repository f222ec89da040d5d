// `windlass deploy -f FILE [SERVICE…]`: plan, ask, apply, and follow the rollout to its end.
import type { HttpClient } from '#controllers/machinery/client.ts';
import { SERVICES } from '#controllers/machinery/resources.ts';
import { lookupText, RESOLVE_IMAGES_ANNOTATION } from '#controllers/service/image-digests.ts';
import type { Service } from '#controllers/service/types.ts';
import { systemClock } from '#platform/clock.ts';
import { applyManifest } from '../apply/apply.ts';
import type { Applied, ApplyOptions } from '../apply/apply.ts';
import { defineCommand } from '../command.ts';
import type { CommandIO } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { confirm } from '../confirm.ts';
import { clientOptions, withClient } from '../connect.ts';
import type { Awaited } from '../deploy/await-rollout.ts';
import {
  changesAnything,
  deploymentText,
  isUpToDate,
  leftoverHint,
  lookupsOf,
  planDeployment,
} from '../deploy/deployment.ts';
import type { Deployment } from '../deploy/deployment.ts';
import { followToEnd } from '../deploy/follow-to-end.ts';
import { answerText, awaitLookups, isUnmoved, throwUnresolved } from '../deploy/image-lookups.ts';
import type { Lookup, LookupAnswer, LookupOptions } from '../deploy/image-lookups.ts';
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
    pull: {
      type: 'boolean',
      help: 'Look all images up in their registries again, not only those with pull policy Always; Never stays',
    },
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
      (client) =>
        planDeployment(client, project, { ...options, prune, pull: values.pull }, now, signal),
      { dryRun: true },
    );
    const hint = leftoverHint(planned);
    const lookups = lookupsOf(planned);
    if (lookups.length === 0 && isUpToDate(planned)) {
      io.out(`Services are up to date.\n${hint}`);
      return 0;
    }
    io.out(`${deploymentText(planned)}${hint}`);
    if (values['dry-run']) {
      io.out('Nothing was changed: --dry-run\n');
      return 0;
    }
    if (changesAnything(planned) || lookups.length > 0)
      await confirm(
        { question: 'Proceed with deployment?', action: 'Deploy', isAgreed: values.yes },
        io,
      );
    await withClient(values, 'deploy', async (client) => {
      const text = lookupText(now, values.pull);
      const applied = await applyAll(client, project, { options, lookups, text }, io);
      const command = `windlass deploy ${values.file.map((file) => `-f ${file}`).join(' ')}`;
      // Services that left go now, since new ones may need their ports; what they use goes when all is rolled out.
      await remove(client, planned, true, io);
      const answers = await lookUp(client, lookups, { text, timeoutMs }, io);
      if (answers.every(isUnmoved) && isUpToDate(planned)) {
        io.out('Services are up to date.\n');
        return;
      }
      const services = applied.map((service) => withRevision(service, answers));
      await followToEnd(client, services, io, {
        timeoutMs,
        command,
        logLines: values['log-lines'],
      });
      await remove(client, planned, false, io);
      throwUnresolved(answers);
    });
    return 0;
  },
});

interface Application {
  readonly options: ApplyOptions;
  /** Services that are to ask registries again. */
  readonly lookups: readonly Lookup[];
  /** What asks them to. */
  readonly text: string;
}

/** @returns the services among what was applied, to be followed */
async function applyAll(
  client: HttpClient,
  { manifests }: Project,
  { options: { namespace, overlay = {} }, lookups, text }: Application,
  io: CommandIO,
): Promise<readonly Awaited[]> {
  const asking = { metadata: { annotations: { [RESOLVE_IMAGES_ANNOTATION]: text } } };
  const services: Awaited[] = [];
  const signal = io.stopSignal();
  for (const manifest of manifests) {
    const { metadata } = manifest.object;
    const isAsking = lookups.some(
      isOf(metadata.namespace ?? namespace ?? 'default', metadata.name),
    );
    const more = isAsking ? { ...overlay, ...asking } : overlay;
    const one = await told(() =>
      applyManifest(client, manifest, signal, applyOptions(manifest, namespace, more)),
    );
    io.out(`${one.name} ${one.outcome}\n`);
    if (isService(manifest)) services.push(awaitedOf(one));
  }
  return services;
}

/** Tells of each image what it stands for now. */
async function lookUp(
  client: HttpClient,
  lookups: readonly Lookup[],
  settings: Pick<LookupOptions, 'text' | 'timeoutMs'>,
  io: CommandIO,
): Promise<readonly LookupAnswer[]> {
  const options = { client, clock: systemClock, random: Math.random, ...settings };
  const answers = await awaitLookups(lookups, options, io.stopSignal());
  for (const answer of answers) io.out(answerText(answer));
  return answers;
}

function isOf(namespace: string, name: string): (lookup: Lookup) => boolean {
  return (lookup) => lookup.namespace === namespace && lookup.name === name;
}

function withRevision(service: Awaited, answers: readonly LookupAnswer[]): Awaited {
  const answer = answers.find(isOf(service.namespace, service.name));
  return answer === undefined ? service : { ...service, revision: answer.revision };
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
