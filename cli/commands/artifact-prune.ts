// `windlass artifact prune`: removes what no Artifact of the server wants, and what killed processes left behind.
import { keptDigests } from '#controllers/artifact/kept-digests.ts';
import type { ArtifactUser } from '#controllers/artifact/artifact-users.ts';
import type { Artifact } from '#controllers/artifact/types.ts';
import { parseDuration } from '#controllers/machinery/duration.ts';
import { ARTIFACTS, MACHINES } from '#controllers/machinery/resources.ts';
import { openStore, storeOptions, toldArtifact } from '../artifact/store-options.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { sizeText } from '../image/size-text.ts';
import { jsonOption } from '../persistence/places.ts';
import { UsageError } from '../usage-error.ts';

export const artifactPrune = defineCommand({
  help: helpOf.artifactPrune,
  options: {
    unused: {
      type: 'string',
      placeholder: 'DURATION',
      default: '0s',
      help: 'Only what was not used for so long: 30m, 24h',
    },
    bundles: {
      type: 'boolean',
      help: 'What came in bundles goes too, unless an Artifact wants it',
    },
    ...jsonOption,
    ...storeOptions,
    ...clientOptions,
  },
  async run(values, _words, io) {
    const unusedMs = parseDuration(values.unused);
    if (unusedMs === undefined)
      throw new UsageError(
        `--unused must be a duration as 24h, found ${JSON.stringify(values.unused)}`,
      );
    const signal = io.stopSignal();
    return toldArtifact(async () => {
      const store = openStore(values);
      // Without the server nobody knows what is wanted.
      const [artifacts, machines] = await withClient(values, 'artifact prune', (client) =>
        Promise.all([
          client.list<Artifact>(ARTIFACTS, {}, signal),
          client.list<ArtifactUser>(MACHINES, {}, signal),
        ]),
      );
      const keep = await keptDigests(store, artifacts.items, machines.items, signal);
      if (values.bundles) await store.releaseBundles();
      const removed = await store.collect(keep, unusedMs);
      const bytes = removed.reduce((sum, { size }) => sum + size, 0);
      if (values.json)
        io.out(
          `${JSON.stringify({ store: store.folder, removed: removed.map(({ digest }) => `sha256:${digest}`), bytes })}\n`,
        );
      else io.out(`${store.folder}: removed ${removed.length} files, ${sizeText(bytes)}\n`);
      return 0;
    });
  },
});
