// The provider over two S3 servers: what every provider must do.
import { after, test } from 'node:test';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { systemClock } from '#platform/clock.ts';
import { needs } from '#test/support/missing-part.ts';
import {
  GATEWAY_ENVIRONMENT,
  missingRadosGateway,
  startRadosGateway,
} from '#test/support/rados-gateway.ts';
import type { RadosGateway } from '#test/support/rados-gateway.ts';
import { testProvider } from '../provider-conformance.ts';
import { S3PersistenceProvider } from './provider.ts';

Object.assign(process.env, GATEWAY_ENVIRONMENT);
const options = needs(missingRadosGateway());
const BUCKET = 'windlass-test';

let starting: Promise<readonly RadosGateway[]> | undefined;
function gateways(): Promise<readonly RadosGateway[]> {
  starting ??= Promise.all(
    [0, 1].map(async () => {
      const gateway = await startRadosGateway();
      await gateway.createBucket(BUCKET);
      return gateway;
    }),
  );
  return starting;
}
after(async () => {
  for (const gateway of (await starting) ?? []) await gateway[Symbol.asyncDispose]();
});

let sites = 0;
testProvider(
  (name, body) => test(name, options, body),
  'S3PersistenceProvider',
  async () => {
    const both = await gateways();
    sites += 1;
    const prefix = `site-${sites}`;
    return {
      open: () =>
        new S3PersistenceProvider({
          urls: both.map(({ endpoint }) => `s3://${BUCKET}/${prefix}?endpoint=${endpoint}`),
          clock: systemClock,
        }),
      // Only the first instance is written to.
      damage: () => damage(both[0], `${prefix}/wal/`),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  },
);

/** Changes a byte in the middle of the largest object below a prefix. */
async function damage(gateway: RadosGateway | undefined, prefix: string): Promise<void> {
  if (gateway === undefined) throw new Error('no gateway');
  const { client } = gateway;
  const { Contents } = await client.send(
    new ListObjectsV2Command({ Bucket: BUCKET, Prefix: prefix }),
  );
  const largest = (Contents ?? []).toSorted((a, b) => (b.Size ?? 0) - (a.Size ?? 0))[0];
  const object = { Bucket: BUCKET, Key: largest?.Key };
  const { Body } = await client.send(new GetObjectCommand(object));
  const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  await client.send(new PutObjectCommand({ ...object, Body: bytes }));
}
