// What every BlobStore must do, as tests over a factory. The test function is an argument, as in provider-conformance.ts.
import assert from 'node:assert/strict';
import type { TestFunction } from '../conformance-site.ts';
import type { BlobStore } from './blob-store.ts';

/** Where the stores of a test lie; each call of `open` is another process's view of the same names. */
export interface BlobSite extends AsyncDisposable {
  open(): Promise<BlobStore>;
}

const MACHINE = '00112233445566778899aabbccddeeff';

function bytes(text: string): Uint8Array {
  return Buffer.from(text);
}

async function textOf(store: BlobStore, name: string): Promise<string | undefined> {
  const found = await store.get(name);
  return found === undefined ? undefined : Buffer.from(found.body).toString();
}

async function namesOf(store: BlobStore, folder: string, after?: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of store.list(folder, after)) names.push(name);
  return names;
}

/** Registers the suite. `makeSite` gives a fresh, empty site each time. */
export function testBlobStore(
  test: TestFunction,
  name: string,
  makeSite: () => Promise<BlobSite>,
): void {
  const check = (
    title: string,
    body: (store: BlobStore, open: () => Promise<BlobStore>) => Promise<void>,
  ): void => {
    test(`${name} ${title}`, async () => {
      await using site = await makeSite();
      const opened: BlobStore[] = [];
      const open = async (): Promise<BlobStore> => {
        const store = await site.open();
        opened.push(store);
        return store;
      };
      try {
        await body(await open(), open);
      } finally {
        for (const store of opened) await store[Symbol.asyncDispose]();
      }
    });
  };

  check('proves itself, again and again, and leaves nothing behind', async (store, open) => {
    await store.probe(MACHINE);
    await store.probe(MACHINE);
    await (await open()).probe(MACHINE.replaceAll('0', '1'));
    assert.deepEqual(await namesOf(store, 'probe'), []);
  });

  check('answers undefined for what is not there', async (store) => {
    assert.equal(await store.get('nothing.json'), undefined);
    assert.equal(await store.get('no/such/folder.json'), undefined);
    assert.deepEqual(await namesOf(store, 'no'), []);
    await store.delete('no/such/folder.json');
  });

  check('gives a name once, and keeps what was first', async (store, open) => {
    const other = await open();
    assert.equal(await store.putIfAbsent('wal/1.jsonl', bytes('first')), 'created');
    assert.equal(await store.putIfAbsent('wal/1.jsonl', bytes('second')), 'exists');
    assert.equal(await other.putIfAbsent('wal/1.jsonl', bytes('third')), 'exists');
    assert.equal(await store.putIfAbsent('wal/1.jsonl', bytes('first')), 'exists');
    assert.equal(await textOf(other, 'wal/1.jsonl'), 'first');
  });

  check('gives a name to one of many who try at once', async (store, open) => {
    const stores = [store, await open(), await open()];
    for (let round = 0; round < 10; round += 1) {
      const outcomes = await Promise.all(
        Array.from({ length: 12 }, async (_, index) => {
          const outcome = await stores[index % 3]?.putIfAbsent(
            `race/${round}`,
            bytes(`${index}`.repeat(3_000)),
          );
          return { index, outcome };
        }),
      );
      const winners = outcomes.filter(({ outcome }) => outcome === 'created');
      assert.equal(winners.length, 1);
      const expected = `${winners[0]?.index}`.repeat(3_000);
      for (const each of stores) assert.equal(await textOf(each, `race/${round}`), expected);
    }
  });

  check('sees at once what another has put, replaced and deleted', async (store, open) => {
    const other = await open();
    for (let round = 0; round < 5; round += 1) {
      const name = `seen/${round}.json`;
      assert.equal(await other.get(name), undefined);
      await store.putIfAbsent(name, bytes('1'));
      assert.equal(await textOf(other, name), '1');
      assert.ok((await namesOf(other, 'seen')).includes(name));
      await store.put(name, bytes('two'));
      assert.equal(await textOf(other, name), 'two');
      await store.delete(name);
      assert.equal(await other.get(name), undefined);
      assert.equal(await other.putIfAbsent(name, bytes('3')), 'created');
      assert.equal(await textOf(store, name), '3');
    }
  });

  check('replaces, and with a tag only what still has it', async (store) => {
    assert.equal(await store.put('latest.json', bytes('a')), 'written');
    const first = await store.get('latest.json');
    assert.equal(await store.put('latest.json', bytes('bb'), first?.tag), 'written');
    const second = await store.get('latest.json');
    assert.notEqual(second?.tag, first?.tag);
    assert.equal(await store.put('latest.json', bytes('c'), first?.tag), 'mismatch');
    assert.equal(await textOf(store, 'latest.json'), 'bb');
    assert.equal(await store.put('absent.json', bytes('x'), second?.tag), 'mismatch');
    assert.equal(await store.get('absent.json'), undefined);
    assert.equal(await store.put('latest.json', bytes('d')), 'written');
    assert.equal(await textOf(store, 'latest.json'), 'd');
  });

  check('keeps bytes as they are, from none to some megabytes', async (store) => {
    for (const size of [0, 1, 4_096, 9 << 20]) {
      const body = Buffer.alloc(size, Buffer.from([0, 255, 10, 200, 13]));
      assert.equal(await store.putIfAbsent(`sizes/${size}`, body), 'created');
      await store.put(`sizes/again-${size}`, body);
      for (const each of [`sizes/${size}`, `sizes/again-${size}`]) {
        const found = await store.get(each);
        assert.ok(found !== undefined && body.equals(Buffer.from(found.body)), each);
      }
    }
  });

  check('does not keep or change the bytes it was given', async (store) => {
    const body = Buffer.from('as it was');
    await store.putIfAbsent('mine', body);
    assert.equal(body.toString(), 'as it was');
    body.fill('x');
    assert.equal(await textOf(store, 'mine'), 'as it was');
  });

  check('lists what is below a folder, in order, from where it is asked', async (store) => {
    const names = [
      'snapshots/7/000001.jsonl',
      'snapshots/7/manifest.json',
      'snapshots/70/manifest.json',
      'wal/00000000000000000001.jsonl',
      'wal/00000000000000000002.jsonl',
      'wal/00000000000000000010.jsonl',
      'wal-old/00000000000000000003.jsonl',
      'Upper_case.Name-1',
    ];
    for (const [index, each] of names.entries()) {
      await store.putIfAbsent(each, Buffer.alloc(index));
    }
    assert.deepEqual(await namesOf(store, 'wal'), names.slice(3, 6));
    assert.deepEqual(await namesOf(store, 'wal', names[3]), names.slice(4, 6));
    assert.deepEqual(await namesOf(store, 'wal', names[5]), []);
    assert.deepEqual(await namesOf(store, 'wal', 'wal/000000000000000000015'), names.slice(4, 6));
    assert.deepEqual(await namesOf(store, 'snapshots'), names.slice(0, 3));
    assert.deepEqual(await namesOf(store, 'snapshots/7'), names.slice(0, 2));
    const sizes: number[] = [];
    for await (const { size } of store.list('wal')) sizes.push(size);
    assert.deepEqual(sizes, [3, 4, 5]);
  });

  check('lists more names than any page', async (store) => {
    const names = Array.from(
      { length: 1_100 },
      (_, index) => `many/${String(index).padStart(6, '0')}`,
    );
    // In pieces: some drivers open a connection for each.
    for (let start = 0; start < names.length; start += 50) {
      await Promise.all(
        names.slice(start, start + 50).map((each) => store.putIfAbsent(each, bytes('x'))),
      );
    }
    assert.deepEqual(await namesOf(store, 'many'), names);
    assert.deepEqual(await namesOf(store, 'many', names[1_049]), names.slice(1_050));
  });

  check('deletes, and deletes again', async (store) => {
    await store.putIfAbsent('gone/1', bytes('x'));
    await store.putIfAbsent('gone/2', bytes('y'));
    await store.delete('gone/1');
    await store.delete('gone/1');
    assert.equal(await store.get('gone/1'), undefined);
    assert.deepEqual(await namesOf(store, 'gone'), ['gone/2']);
  });

  check('refuses names that could lead elsewhere', async (store) => {
    for (const each of ['', '/etc/x', 'a//b', 'a/../b', '..', './a', 'a/', '.hidden', 'a b', 'ü']) {
      await assert.rejects(async () => store.get(each), RangeError, each);
      await assert.rejects(async () => store.putIfAbsent(each, bytes('x')), RangeError, each);
      await assert.rejects(async () => store.put(each, bytes('x')), RangeError, each);
      await assert.rejects(async () => store.delete(each), RangeError, each);
    }
  });

  check('names its location', async (store) => {
    assert.ok(store.location.length > 0);
  });
}
