// `windlass artifact fetch`: the Artifacts of a file into a store, without a server.
import { fetchAll } from '../artifact/fetch-all.ts';
import { readArtifacts } from '../artifact/artifact-manifests.ts';
import {
  artifactFileOption,
  partsFor,
  storeOptions,
  toldArtifact,
} from '../artifact/store-options.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { jsonOption } from '../persistence/places.ts';
import { createProgress } from '../progress.ts';

export const artifactFetch = defineCommand({
  help: helpOf.artifactFetch,
  options: { ...artifactFileOption, ...jsonOption, ...storeOptions },
  async run(values, _words, io) {
    const signal = io.stopSignal();
    const files = await readArtifacts(values.file);
    return toldArtifact(async () => {
      await using parts = partsFor(values, files, io);
      const write = values.json ? () => undefined : io.out;
      // Lines of progress are for a terminal only; elsewhere each artifact has one line at its end.
      const progress = createProgress(write, io.columns);
      const shown = io.columns === undefined ? quiet(progress) : progress;
      const { fetched, failed } = await fetchAll(files, parts, shown, signal);
      if (values.json) {
        const artifacts = fetched.map(({ parts: _parts, digest, ...rest }) => ({
          ...rest,
          digest: `sha256:${digest}`,
        }));
        io.out(`${JSON.stringify({ artifacts, failed })}\n`);
      }
      return failed.length === 0 ? 0 : 1;
    });
  },
});

type Lines = ReturnType<typeof createProgress>;

/** The last text of each line only. */
function quiet(progress: Lines): Lines {
  const last = new Map<string, string>();
  return {
    update: (key, text) => void last.set(key, text),
    say: (text) => progress.say(text),
    freeze() {
      for (const text of last.values()) progress.say(text);
      last.clear();
    },
  };
}
