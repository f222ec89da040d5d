// A process that fetches one artifact into a store, to be killed by tests: `artifact-writer.ts FOLDER URL SHA256`. Prints a line with the
// bytes so far after each part, and `done` at the end. Lives as long as its standard input, since waiting alone keeps no process alive.
import { ArtifactFetcher } from '#controllers/binaries/artifact-fetcher.ts';
import { httpSource } from '#controllers/binaries/artifact-source.ts';
import { ArtifactStore } from '#controllers/binaries/artifact-store.ts';
import { HttpFetcher } from '#controllers/binaries/http-fetcher.ts';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';

process.stdin.resume();
const [folder = '', url = '', sha256 = ''] = process.argv.slice(2);
const store = new ArtifactStore({ folder, clock: systemClock, ids: systemIds });
const http = new HttpFetcher({
  clock: systemClock,
  userAgent: 'windlass-test',
  environment: {},
  random: () => 0,
  backoffMs: 10,
});
const fetcher = new ArtifactFetcher(store, http);
await fetcher.ensure(
  { digest: { sha256 }, sources: [httpSource(http, { url })] },
  {
    signal: new AbortController().signal,
    onProgress: (bytes) => process.stdout.write(`${bytes}\n`),
  },
);
process.stdout.write('done\n');
await http[Symbol.asyncDispose]();
process.stdin.pause();
