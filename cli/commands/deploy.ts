// `windlass deploy -f FILE`: plan, ask, apply, and follow the rollout to its end.
import { parseDuration } from '#controllers/service/settings.ts';
import { systemClock } from '#platform/clock.ts';
import { applyManifest } from '../apply/apply.ts';
import type { Applied } from '../apply/apply.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { endOf } from '../deploy/await-rollout.ts';
import type { Awaited } from '../deploy/await-rollout.ts';
import { confirm } from '../deploy/confirm.ts';
import { followToEnd } from '../deploy/follow-to-end.ts';
import { fileOptions, isService, manifestsOf, told } from '../file-options.ts';
import { formatPlans, hasChanges } from '../plan/format-plan.ts';
import { applyOptions, livePreviews } from '../plan/live-previews.ts';
import type { LivePreviews } from '../plan/live-previews.ts';
import { restartedTemplate } from '../services.ts';
import { UsageError } from '../usage-error.ts';

export const deploy = defineCommand({
  help: helpOf.deploy,
  options: {
    ...fileOptions,
    yes: { type: 'boolean', short: 'y', help: 'Go on without being asked' },
    recreate: { type: 'boolean', help: 'Replace every instance, changed or not' },
    timeout: {
      type: 'string',
      placeholder: 'DURATION',
      help: 'Stop waiting after so long, such as 5m (default: when the rollout ends)',
    },
    ...clientOptions,
  },
  async run(values, _words, io) {
    const timeoutMs = timeoutOf(values.timeout);
    const manifests = await manifestsOf(values, io);
    const signal = io.stopSignal();
    const now = systemClock.now();
    const overlay = values.recreate ? { spec: { template: restartedTemplate(now) } } : undefined;
    const { namespace } = values;
    const options = {
      ...(namespace === undefined ? {} : { namespace }),
      ...(overlay === undefined ? {} : { overlay }),
    };
    const planned = await withClient(
      values,
      'deploy',
      (client) => livePreviews(client, manifests, options, now, signal),
      { dryRun: true },
    );
    if (isUpToDate(planned)) {
      io.out('Services are up to date.\n');
      return 0;
    }
    io.out(planText(planned));
    const isChange = planned.applied.some(({ outcome }) => outcome !== 'unchanged');
    if (isChange) await confirm('Proceed with deployment?', values.yes, io);
    await withClient(values, 'deploy', async (client) => {
      const services: Awaited[] = [];
      for (const manifest of manifests) {
        const one = await told(() =>
          applyManifest(client, manifest, signal, applyOptions(manifest, namespace, overlay)),
        );
        io.out(`${one.name} ${one.outcome}\n`);
        if (isService(manifest)) services.push(awaitedOf(one));
      }
      const command = `windlass deploy ${values.file.map((file) => `-f ${file}`).join(' ')}`;
      await followToEnd(client, services, io, { timeoutMs, command });
    });
    return 0;
  },
});

function timeoutOf(text: string | undefined): number | undefined {
  const ms = text === undefined ? undefined : parseDuration(text);
  if (text !== undefined && (ms === undefined || ms === 0))
    throw new UsageError(
      `--timeout must be a duration such as 90s or 5m, found ${JSON.stringify(text)}`,
    );
  return ms;
}

/** Nothing to write, nothing to do, and every service serves as its spec says. */
function isUpToDate({ applied, services }: LivePreviews): boolean {
  return (
    applied.every(({ outcome }) => outcome === 'unchanged') &&
    services.every(
      (preview) =>
        !hasChanges(preview) &&
        preview.before !== undefined &&
        endOf(preview.before)?.state === 'ready',
    )
  );
}

function planText({ applied, services }: LivePreviews): string {
  // Services have a tree of their own.
  const others = applied
    .filter(({ resource, outcome }) => resource.group !== 'windlass.dev' && outcome !== 'unchanged')
    .map(({ name, outcome }) => `${outcome === 'created' ? '+ create' : '~ update'} ${name}\n`);
  const separator = others.length > 0 && services.length > 0 ? '\n' : '';
  return `Deployment plan\n\n${others.join('')}${separator}${formatPlans(services)}\n`;
}

function awaitedOf({ object }: Applied): Awaited {
  const { namespace = 'default', name, generation = 1 } = object.metadata;
  return { namespace, name, generation };
}
