// `windlass artifact bundle create`: the Artifacts of a file, with their bytes, as one file for machines without the internet.
import { writeBundle } from '#controllers/binaries/write-bundle.ts';
import { readArtifacts } from '../artifact/artifact-manifests.ts';
import { fetchAll } from '../artifact/fetch-all.ts';
import {
  artifactFileOption,
  partsFor,
  storeOptions,
  toldArtifact,
} from '../artifact/store-options.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { sizeText } from '../image/size-text.ts';
import { CommandError } from '../usage-error.ts';

export const artifactBundleCreate = defineCommand({
  help: helpOf.artifactBundleCreate,
  options: { ...artifactFileOption, ...storeOptions },
  words: ['FILE'],
  async run(values, [path = ''], io) {
    const signal = io.stopSignal();
    const files = await readArtifacts(values.file);
    return toldArtifact(async () => {
      await using parts = partsFor(values, files, io);
      const silent = { update: () => undefined, say: () => undefined, freeze: () => undefined };
      const { fetched, failed } = await fetchAll(files, parts, silent, signal);
      if (failed.length > 0)
        throw new CommandError(
          `no bundle is made: ${failed.map(({ name, reason, message }) => `${name}: ${reason}: ${message}`).join('\n')}`,
        );
      const bundled = fetched.map(({ namespace, name, digest, cacheKey, parts: all }) => ({
        namespace,
        name,
        digest,
        cacheKey,
        parts: all,
      }));
      const { blobs } = await writeBundle(path, parts.store, bundled, signal);
      const bytes = blobs.reduce((sum, { size }) => sum + size, 0);
      for (const { name, digest } of bundled) io.out(`${name}   sha256:${digest}\n`);
      io.out(`${path}: ${bundled.length} artifacts, ${blobs.length} files, ${sizeText(bytes)}\n`);
      return 0;
    });
  },
});
