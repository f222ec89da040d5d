// `windlass artifact verify`: every file of a store is hashed; what is damaged is removed, and fetched again by whoever wants it.
import { openStore, storeOptions, toldArtifact } from '../artifact/store-options.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { sizeText } from '../image/size-text.ts';
import { jsonOption } from '../persistence/places.ts';

export const artifactVerify = defineCommand({
  help: helpOf.artifactVerify,
  options: { ...jsonOption, ...storeOptions },
  async run(values, _words, io) {
    const signal = io.stopSignal();
    return toldArtifact(async () => {
      const damaged: string[] = [];
      const store = openStore(values, (digest) => damaged.push(digest));
      const entries = await store.list();
      let bytes = 0;
      for (const { digest } of entries) bytes += (await store.verify(digest, signal))?.size ?? 0;
      const good = entries.length - damaged.length;
      if (values.json)
        io.out(
          `${JSON.stringify({ store: store.folder, good, bytes, damaged: damaged.map((digest) => `sha256:${digest}`) })}\n`,
        );
      else {
        io.out(
          `${store.folder}: ${good} of ${entries.length} files are good, ${sizeText(bytes)}\n`,
        );
        for (const digest of damaged) io.out(`sha256:${digest} was damaged, and is removed\n`);
      }
      return damaged.length === 0 ? 0 : 1;
    });
  },
});
