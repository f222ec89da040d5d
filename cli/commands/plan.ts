// `windlass plan -f FILE`: what applying a file would do, and why. Changes nothing.
import { systemClock } from '#platform/clock.ts';
import { defineCommand } from '../command.ts';
import type { CommandIO } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import type { ClientValues } from '../connect.ts';
import { manifestFiles, readManifests } from '../apply/manifest.ts';
import type { Manifest } from '../apply/manifest.ts';
import { fileOptions, isService, told } from '../file-options.ts';
import { formatPlans, planJSON } from '../plan/format-plan.ts';
import { livePreviews } from '../plan/live-previews.ts';
import type { ServicePreview } from '../plan/preview.ts';
import { readProject } from '../project/read-project.ts';
import { recordedPreviews } from '../plan/recorded-previews.ts';
import { recordedState } from '../plan/recorded-state.ts';
import { CommandError } from '../usage-error.ts';

interface PlanValues extends ClientValues {
  readonly namespace: string | undefined;
  readonly state: string | undefined;
}

export const plan = defineCommand({
  help: helpOf.plan,
  options: {
    ...fileOptions,
    output: {
      type: 'choice',
      short: 'o',
      choices: ['text', 'json'],
      default: 'text',
      help: 'Form of the plan; json is one object, or a list where the file holds several services',
    },
    state: {
      type: 'string',
      placeholder: 'FILE',
      help: 'Plan without a server, against recorded objects (kubectl get -o json)',
    },
    ...clientOptions,
  },
  moreWords: true,
  async run(values, services, io) {
    const { manifests, warnings } = await readProject(values, services, io);
    for (const warning of warnings) io.err(`warning: ${warning}\n`);
    if (!manifests.some(isService))
      throw new CommandError(
        `${values.file.join(', ')}: there is no service in it`,
        'A service has apiVersion windlass.dev/v1alpha1 and kind Service.',
      );
    const previews = await previewsOf(manifests, values, io);
    if (values.output === 'text') io.out(formatPlans(previews));
    else {
      const [first, ...more] = previews.map(planJSON);
      io.out(`${JSON.stringify(more.length === 0 ? first : [first, ...more], undefined, 2)}\n`);
    }
    return 0;
  },
});

async function previewsOf(
  manifests: readonly Manifest[],
  values: PlanValues,
  io: CommandIO,
): Promise<readonly ServicePreview[]> {
  const { namespace, state } = values;
  if (state !== undefined)
    return told(async () =>
      recordedPreviews(
        recordedState(manifestFiles(state).flatMap(readManifests)),
        manifests,
        namespace ?? 'default',
      ),
    );
  const dryRun = { dryRun: true };
  const previews = await withClient(
    values,
    'plan',
    (client) =>
      livePreviews(
        client,
        manifests,
        namespace === undefined ? {} : { namespace },
        systemClock.now(),
        io.stopSignal(),
      ),
    dryRun,
  );
  return previews.services;
}
