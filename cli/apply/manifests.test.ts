import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { ApiObject, Client } from '#controllers/machinery/client-types.ts';
import { RequestError } from '#controllers/machinery/request-error.ts';
import { systemClock } from '#platform/clock.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { runManifests } from './manifests.ts';

const KINDS = { resources: [{ name: 'configmaps', kind: 'ConfigMap', namespaced: true }] };

/** As much of a server as applying ConfigMaps takes. */
function memoryClient(): Client {
  const objects = new Map<string, ApiObject>();
  const found = (name: string): ApiObject => {
    const object = objects.get(name);
    if (object === undefined) throw new RequestError(404, 'NotFound', `${name} not found`);
    return object;
  };
  const client: Partial<Client> = {
    getPath: () => Promise.resolve(KINDS),
    // The types of the interface are chosen by its callers.
    create: <T extends ApiObject>(_resource: unknown, _namespace: string, object: object) => {
      const created = object as T;
      const { name } = created.metadata;
      if (objects.has(name))
        return Promise.reject(new RequestError(409, 'AlreadyExists', `${name} already exists`));
      objects.set(name, created);
      return Promise.resolve(created);
    },
    get: <T extends ApiObject>(_resource: unknown, _namespace: string, name: string) =>
      Promise.resolve(found(name) as T),
    patch: <T extends ApiObject>(
      _resource: unknown,
      _namespace: string,
      name: string,
      _subresource: string,
      _type: string,
      patch: unknown,
    ) => {
      const { metadata, ...rest } = patch as ApiObject;
      const live = found(name);
      const object = { ...live, ...rest, metadata: { ...live.metadata, ...metadata } };
      objects.set(name, object);
      return Promise.resolve(object as T);
    },
  };
  return client as Client;
}

interface Run {
  readonly folder: string;
  readonly write: (name: string, text: string) => void;
  /** Everything said up to and with the first line that matches; those are not given again. */
  readonly said: (pattern: RegExp) => Promise<readonly string[]>;
}

async function run(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  isApplied = false,
): Promise<Run> {
  const folder = tempDir();
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  for (const [name, text] of Object.entries(files)) write(name, text);
  const lines: string[] = [];
  let heard = Promise.withResolvers<void>();
  const lifetime = new AbortController();
  t.after(() => lifetime.abort());
  const follower = { follow: () => assert.fail('there is no service here') };
  await runManifests(
    {
      client: memoryClient(),
      clock: systemClock,
      paths: [folder],
      isApplied,
      follower,
      tell: (message) => {
        if (message.type !== 'say') return;
        lines.push(message.text.replaceAll(`${folder}/`, ''));
        heard.resolve();
        heard = Promise.withResolvers();
      },
    },
    lifetime.signal,
  );
  const said = async (pattern: RegExp): Promise<readonly string[]> => {
    for (;;) {
      const index = lines.findIndex((line) => pattern.test(line));
      if (index >= 0) return lines.splice(0, index + 1);
      await heard.promise;
    }
  };
  return { folder, write, said };
}

const configMap = (name: string, value = 'x'): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  key: ${value}\n`;

test('runManifests() applies all, and at a save says only what is new', async (t) => {
  const { write, said } = await run(t, { 'a.yaml': configMap('a'), 'b.yaml': configMap('b') });
  assert.deepEqual(await said(/b created/), ['configmap/a created', 'configmap/b created']);
  write('b.yaml', configMap('b', 'changed'));
  assert.deepEqual(await said(/./), ['configmap/b configured']);
  write('b.yaml', configMap('b', 'changed'));
  assert.match((await said(/./)).join('\n'), /read again, nothing has changed$/);
});

test('runManifests() applies nothing that was applied before, until it is saved', async (t) => {
  const { write, said } = await run(t, { 'a.yaml': configMap('a') }, true);
  write('a.yaml', configMap('a', 'changed'));
  assert.deepEqual(await said(/./), ['configmap/a created']);
});

test('runManifests() names what a file or a folder does not hold any more', async (t) => {
  const two = `${configMap('a')}---\n${configMap('b')}`;
  const { folder, write, said } = await run(t, { 'two.yaml': two, 'c.yaml': configMap('c') });
  await said(/b created/);
  write('two.yaml', configMap('a'));
  assert.deepEqual(await said(/./), [
    'configmap/b is not in two.yaml any more; it stays until you delete it: kubectl delete configmap/b',
  ]);
  rmSync(join(folder, 'c.yaml'));
  assert.match((await said(/./)).join('\n'), /^configmap\/c is not in c\.yaml any more/);
});

test('runManifests() does not take what it cannot read for gone', async (t) => {
  const { write, said } = await run(t, { 'a.yaml': configMap('a'), 'b.yaml': configMap('b') });
  await said(/b created/);
  write('b.yaml', 'kind: [');
  assert.match((await said(/./)).join('\n'), /^b\.yaml, document 1, line 1: does not parse/);
  write('b.yaml', configMap('b', 'mended'));
  assert.deepEqual(await said(/./), ['configmap/b configured']);
});
