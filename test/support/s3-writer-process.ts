// A process of its own that takes over a log in S3 and writes until it has lost the epoch: `s3-writer-process.ts NAME URL`. Prints
// each value once it is acknowledged, and at the end the name of the error that ended it.
import { writeSync } from 'node:fs';
import { S3PersistenceProvider } from '#persistence/s3/provider.ts';
import { systemClock } from '#platform/clock.ts';
import { RecordedWriter } from './recorded-writer.ts';

const [, , name = '', url = ''] = process.argv;
const provider = new S3PersistenceProvider({ urls: [url], clock: systemClock });
const writer = new RecordedWriter(name, provider);
await writer.takeOver();
for (let count = 1; count < 100_000; count += 1) {
  if ((await writer.write(1)) !== 'acknowledged') break;
  writeSync(1, `${name}-${count}\n`);
}
writeSync(1, `${writer.lastError?.name}\n`);
await provider[Symbol.asyncDispose]();
