// `windlass diff -f FILE`: what applying a file would change on the server, line by line. Exit codes as those of diff(1).
import { defineCommand } from '../command.ts';
import { applyManifest } from '../apply/apply.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { comparable } from '../diff/comparable.ts';
import { unifiedDiff } from '#platform/unified-diff.ts';
import { fileOptions, told } from '../file-options.ts';
import { applyOptions } from '../plan/live-previews.ts';
import { readProject } from '../project/read-project.ts';
import { CommandError } from '../usage-error.ts';

const SAME = 0;
const DIFFERENT = 1;
const TROUBLE = 2;

export const diff = defineCommand({
  help: helpOf.diff,
  options: { ...fileOptions, ...clientOptions },
  moreWords: true,
  async run(values, services, io) {
    const signal = io.stopSignal();
    try {
      const { manifests, warnings } = await readProject(values, services, io);
      for (const warning of warnings) io.err(`warning: ${warning}\n`);
      const differences = await withClient(
        values,
        'diff',
        async (client) => {
          let text = '';
          for (const manifest of manifests) {
            const options = applyOptions(manifest, values.namespace, undefined);
            const one = await told(() => applyManifest(client, manifest, signal, options));
            const { before, after } = comparable(one.before, one.object);
            const { namespace = '' } = one.object.metadata;
            text += unifiedDiff(
              namespace === '' ? one.name : `${namespace}/${one.name}`,
              before,
              after,
            );
          }
          return text;
        },
        { dryRun: true },
      );
      io.out(differences);
      return differences === '' ? SAME : DIFFERENT;
    } catch (error) {
      // 1 would say that something differs.
      if (error instanceof CommandError)
        throw new CommandError(error.message, error.next, { cause: error, exitCode: TROUBLE });
      throw error;
    }
  },
});
