// What every PersistenceProvider must do, also one of the seven verbs alone, as tests over a factory. Takes the test function as an
// argument, so that it can be given to authors of providers without bringing a test framework along.
import assert from 'node:assert/strict';
import { machine } from './conformance-site.ts';
import type { TestFunction } from './conformance-site.ts';
import type { PersistenceProvider } from './provider.ts';

/** Where the provider's instance lies; each call of `open` is a new process's view of the same data. */
export interface ObjectConformanceSite extends AsyncDisposable {
  /** Not initialized. One is open at a time. */
  open(): PersistenceProvider & Partial<AsyncDisposable>;
}

interface OpenedProvider extends AsyncDisposable {
  readonly provider: PersistenceProvider;
  readonly instance: string;
}

async function opened(site: ObjectConformanceSite): Promise<OpenedProvider> {
  const provider = site.open();
  await provider.initialize(machine);
  const [instance] = provider.instances();
  assert.ok(instance !== undefined, 'instances() must name at least one');
  return {
    provider,
    instance,
    [Symbol.asyncDispose]: async () => provider[Symbol.asyncDispose]?.(),
  };
}

function text(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value).toString();
}

/** Registers the suite. `makeSite` gives a fresh, empty site each time. */
export function testObjectProvider(
  test: TestFunction,
  name: string,
  makeSite: () => Promise<ObjectConformanceSite>,
): void {
  const check = (title: string, body: (site: ObjectConformanceSite) => Promise<void>): void => {
    test(`${name} ${title}`, async () => {
      await using site = await makeSite();
      await body(site);
    });
  };
  const thing = (key: string, value: string) => ({
    kind: 'core/things',
    key,
    value: Buffer.from(value),
  });

  check('names its instances after their configuration', async (site) => {
    await using one = await opened(site);
    const names = one.provider.instances();
    assert.equal(new Set(names).size, names.length);
    for (const instance of names) assert.match(instance, /^[a-z0-9]+-[0-9a-f]{6,}$/);
    assert.deepEqual(site.open().instances(), names);
  });

  check('answers for an unknown instance: does not exist, every other call fails', async (site) => {
    await using one = await opened(site);
    const { provider } = one;
    const unknown = 'nothing-00000000';
    assert.equal(provider.instanceStatus(unknown).exists, false);
    const error = { name: 'UnknownInstanceError' };
    await assert.rejects(async () => provider.putObject(unknown, thing('a', '1')), error);
    await assert.rejects(async () => provider.deleteObject(unknown, 'k', 'a'), error);
    await assert.rejects(async () => provider.getObject(unknown, 'k', 'a'), error);
    await assert.rejects(async () => provider.getAllObjects(unknown, 'k'), error);
  });

  check('puts, replaces, lists and deletes objects, kind by kind', async (site) => {
    await using one = await opened(site);
    const { provider, instance } = one;
    assert.equal(await provider.getObject(instance, 'core/things', 'ns/a'), undefined);
    assert.deepEqual(await provider.getAllObjects(instance, 'core/things'), []);
    assert.equal(await provider.putObject(instance, thing('ns/a', '1')), 'ns/a');
    await provider.putObject(instance, { ...thing('ns/a', 'x'), kind: 'core/others' });
    await provider.putObject(instance, thing('ns/b', ''));
    await provider.putObject(instance, thing('ns/a', '2'));
    assert.equal(text((await provider.getObject(instance, 'core/things', 'ns/a'))?.value), '2');
    assert.equal(text((await provider.getObject(instance, 'core/things', 'ns/b'))?.value), '');
    const all = await provider.getAllObjects(instance, 'core/things');
    assert.deepEqual(all.map(({ kind, key }) => `${kind} ${key}`).toSorted(), [
      'core/things ns/a',
      'core/things ns/b',
    ]);
    await provider.deleteObject(instance, 'core/things', 'ns/a');
    await provider.deleteObject(instance, 'core/things', 'never there');
    await provider.deleteObject(instance, 'core/never', 'there');
    assert.equal(await provider.getObject(instance, 'core/things', 'ns/a'), undefined);
    assert.equal((await provider.getAllObjects(instance, 'core/others')).length, 1);
  });

  check('keeps what it has acknowledged when it is opened anew', async (site) => {
    const keys = Array.from({ length: 100 }, (_, index) => `ns/k${index}`);
    {
      await using one = await opened(site);
      const { provider, instance } = one;
      await Promise.all(keys.map((key) => provider.putObject(instance, thing(key, key))));
      await provider.deleteObject(instance, 'core/things', 'ns/k7');
    }
    await using again = await opened(site);
    const found = await again.provider.getAllObjects(again.instance, 'core/things');
    const expected = keys.filter((key) => key !== 'ns/k7').toSorted();
    assert.deepEqual(found.map(({ key }) => key).toSorted(), expected);
    assert.ok(found.every(({ key, value }) => text(value) === key));
  });

  check('takes any text as kind and key, and bytes as they are', async (site) => {
    await using one = await opened(site);
    const { provider, instance } = one;
    const keys = ['../x', '.', '..', 'a/b/c', 'system:node', 'Ünïcode ☃', 'a%2Fb', 'A', 'a'];
    const value = Buffer.alloc(300_000, Buffer.from([0, 255, 10, 200]));
    for (const key of keys) await provider.putObject(instance, { kind: 'g/../k', key, value });
    const found = await provider.getAllObjects(instance, 'g/../k');
    assert.deepEqual(found.map(({ key }) => key).toSorted(), keys.toSorted());
    assert.ok(found.every((object) => value.equals(object.value)));
    assert.deepEqual(await provider.getAllObjects(instance, 'k'), []);
  });

  check('says that it is up, and how long persisting takes, in seconds', async (site) => {
    await using one = await opened(site);
    const { provider, instance } = one;
    await provider.putObject(instance, thing('a', '1'));
    const { exists, status, meanPersistLatency } = provider.instanceStatus(instance);
    assert.deepEqual([exists, status], [true, true]);
    assert.ok(meanPersistLatency > 0 && meanPersistLatency < 30, String(meanPersistLatency));
  });
}
