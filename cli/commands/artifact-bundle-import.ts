// `windlass artifact bundle import`: what a bundle holds into a store, verified. Artifacts that want it fetch nothing then.
import { importBundle } from '#controllers/binaries/import-bundle.ts';
import { openStore, storeOptions, toldArtifact } from '../artifact/store-options.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';

export const artifactBundleImport = defineCommand({
  help: helpOf.artifactBundleImport,
  options: storeOptions,
  words: ['FILE'],
  async run(values, [path = ''], io) {
    const signal = io.stopSignal();
    return toldArtifact(async () => {
      const store = openStore(values);
      const { artifacts, blobs, added } = await importBundle(path, store, signal);
      for (const { name, digest } of artifacts) io.out(`${name}   sha256:${digest}\n`);
      io.out(`${store.folder}: ${blobs.length} files verified, ${added} of them new\n`);
      return 0;
    });
  },
});
