// The example that its readers begin with, and what is said to those whose module is not one.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { machine } from '../conformance-site.ts';
import { UnknownInstanceError } from '../errors.ts';
import { testObjectProvider } from '../object-conformance.ts';
import { loadProvider } from './load-provider.ts';

const EXAMPLE = join(
  import.meta.dirname,
  '../../deploy/examples/persistence-provider/files-provider.mjs',
);
let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'windlass-module-'));
});
after(() => rm(root, { recursive: true }));

testObjectProvider(test, 'the example of deploy/examples', async () => {
  const folder = await mkdtemp(join(root, 'site-'));
  const { createProvider } = (await import(EXAMPLE)) as {
    readonly createProvider: (options: { readonly folder: string }) => never;
  };
  return {
    open: () => createProvider({ folder }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
});

test('loadProvider() gives the parameters after the question mark, and knows a replica from a primary', async () => {
  const folder = join(root, 'a folder & more');
  const text = `${EXAMPLE}?folder=${encodeURIComponent(folder)}`;
  const { provider, instances, location, keepsLog } = await loadProvider(text);
  const [instance = ''] = instances;
  assert.deepEqual([keepsLog, location, instances.length], [false, `module:${EXAMPLE}`, 1]);
  assert.match(instance, /^files-[0-9a-f]{8}$/);
  await provider.initialize(machine);
  await provider.putObject(instance, { kind: 'k', key: 'a', value: Buffer.from('1') });
  const found = await provider.getObject(instance, 'k', 'a');
  assert.equal(Buffer.from(found?.value ?? []).toString(), '1');
});

const SEVEN =
  'initialize(){}, instances(){ return ["x-000000"] }, instanceStatus(){}, putObject(){}, deleteObject(){}, getObject(){}, getAllObjects(){}';
const LOG =
  'claimEpoch(){}, cursor(){}, append(){}, replay(){}, readFrom(){}, compact(){}, restore(){}, setAside(){}, verify(){}';

for (const [what, source, message] of [
  ['nothing', 'export const x = 1', /exports neither createProvider\(options\) nor a provider/],
  ['broken', 'export default {', /it fails: .*Unexpected/],
  ['thrower', 'export function createProvider() { throw new Error("no folder") }', /no folder/],
  ['number', 'export default 7', /it gives 7, not a provider/],
  [
    'few',
    'export default { initialize(){}, instances(){}, putObject(){} }',
    /it lacks instanceStatus, deleteObject, getObject, getAllObjects/,
  ],
  [
    'half',
    `export default { ${SEVEN}, append(){}, replay(){} }`,
    /lacks claimEpoch, cursor, readFrom, compact, restore, setAside, verify; add them, or leave all/,
  ],
  ['never-closed', `export default { ${SEVEN}, ${LOG} }`, /lacks \[Symbol\.asyncDispose\]/],
  [
    'unnamed',
    `export default { ${SEVEN}, instances(){ return ["My Files"] } }`,
    /must give names as in files-3f2a9c01/,
  ],
  ['none', `export default { ${SEVEN}, instances(){ return [] } }`, /instances\(\) gives none/],
  [
    'twice',
    `export default { ${SEVEN}, instances(){ return ["x-000000", "x-000000"] } }`,
    /gives a name twice/,
  ],
  [
    'promised',
    `export default { ${SEVEN}, async instances(){ return ["x-000000"] } }`,
    /must give an array of names at once/,
  ],
  [
    'nameless',
    `export default { ${SEVEN}, instances(){ throw "no name" } }`,
    /instances\(\) fails: no name/,
  ],
] as const) {
  test(`loadProvider() names what is wrong: ${what}`, async () => {
    const path = join(root, `${what}.mjs`);
    await writeFile(path, source);
    await assert.rejects(loadProvider(path), (error: Error) => {
      assert.equal(error.name, 'ProviderModuleError');
      assert.ok(error.message.includes(path));
      assert.match(error.message, message);
      return true;
    });
  });
}

test('loadProvider() of a file that is not there, and of a whole provider', async () => {
  await assert.rejects(loadProvider(join(root, 'absent.mjs')), /there is no such file/);
  const path = join(root, 'whole.mjs');
  await writeFile(path, `export default { ${SEVEN}, ${LOG}, async [Symbol.asyncDispose]() {} }`);
  assert.equal((await loadProvider(path)).keepsLog, true);
});

test('loadProvider() takes a provider of several instances, and no keys in the URL', async () => {
  const path = join(root, 'several.mjs');
  const names = ['x-000000', 'x-000001'];
  await writeFile(
    path,
    `export default { ${SEVEN}, instances(){ return ${JSON.stringify(names)} } }`,
  );
  assert.deepEqual((await loadProvider(path)).instances, names);
  for (const name of ['token', 'apiKey', 'access_key', 'dbPassword', 'clientSecret', 'key'])
    await assert.rejects(loadProvider(`${path}?x=1&${name}=hunter2`), (error: Error) => {
      assert.match(error.message, new RegExp(`parameter ${name}; keys never stand in a URL`));
      assert.ok(!error.message.includes('hunter2'));
      return true;
    });
  for (const name of ['tokenFile', 'passwordFile', 'keyspace', 'secretName', 'region'])
    await loadProvider(`${path}?${name}=x`);
});

test('loadProvider() gives a provider this windlass, wherever its file lies, also in TypeScript and later on', async () => {
  const path = join(root, 'stranger.ts');
  await writeFile(
    path,
    `import type { PersistenceProvider } from 'windlass/persistence/provider';
     import { UnknownInstanceError } from 'windlass/persistence/errors';
     const provider = { ${SEVEN}, async getObject(instance: string): Promise<undefined> {
       const { revisionsOf } = await import('windlass/persistence/encoding');
       throw new UnknownInstanceError(instance, [typeof revisionsOf]);
     } } as unknown as PersistenceProvider;
     export default provider;`,
  );
  const { provider } = await loadProvider(path);
  await assert.rejects(provider.getObject('other', 'k', 'a'), (error: Error) => {
    assert.ok(error instanceof UnknownInstanceError);
    assert.match(error.message, /known: function/);
    return true;
  });
  const absent = join(root, 'absent-package.mjs');
  await writeFile(absent, "import 'windlass/persistence/nothing';");
  await assert.rejects(
    loadProvider(absent),
    /it fails: .*'\.\/persistence\/nothing' is not defined/,
  );
  await writeFile(absent, "import 'windlass-of-others';");
  await assert.rejects(loadProvider(`${absent}?`), /it fails/);
});
