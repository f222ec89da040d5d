// Directories of every format that was ever released open, hold what they held, and go on. `node scripts/golden-data.ts` writes one
// for a new format; what is there is never written again.
import assert from 'node:assert/strict';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Cursor, LogRecord } from '../provider.ts';
import { DirectoryBlobStore } from './directory-store.ts';
import { SEGMENT_FORMAT } from './format-version.ts';
import { SegmentEngine } from './segment-engine.ts';

const golden = fileURLToPath(new URL('golden', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'windlass-segment-formats-'));
after(() => rmSync(root, { recursive: true }));

function engineAt(path: string, writer: string): SegmentEngine {
  return new SegmentEngine({ store: new DirectoryBlobStore({ path, writer }), writer });
}

async function changesOf(engine: SegmentEngine): Promise<readonly LogRecord[]> {
  const all: LogRecord[] = [];
  for (;;) {
    const page = await engine.read(all.at(-1)?.revision ?? -1, false);
    if (page.length === 0) return all;
    all.push(...page);
  }
}

/** As the file of expectations has it. */
interface Shown {
  readonly revision: number;
  readonly kind: string;
  readonly key: string;
  /** In base64. */
  readonly value?: string;
}

function shown(changes: readonly LogRecord[]): readonly Shown[] {
  return changes.map(({ revision, kind, key, value }) => ({
    revision,
    kind,
    key,
    ...(value === undefined ? {} : { value: Buffer.from(value).toString('base64') }),
  }));
}

/** The objects that are left after these changes. */
function liveOf(changes: readonly Shown[]): readonly Shown[] {
  const live = new Map<string, Shown>();
  for (const change of changes) {
    const id = `${change.kind} ${change.key}`;
    live.delete(id);
    if (change.value !== undefined) live.set(id, change);
  }
  return [...live.values()].toSorted((a, b) => a.revision - b.revision);
}

function filesOf(path: string): ReadonlyMap<string, string> {
  const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return new Map(
    files.map(({ parentPath, name }) => {
      const file = join(parentPath, name);
      return [file, readFileSync(file, 'latin1')];
    }),
  );
}

test('there is a directory of each format up to the present', () => {
  const formats = Array.from({ length: SEGMENT_FORMAT }, (_, index) => `format-${index + 1}`);
  assert.deepEqual(readdirSync(golden).toSorted(), formats);
});

for (const format of readdirSync(golden)) {
  for (const variant of readdirSync(join(golden, format))) {
    const source = join(golden, format, variant);
    const expected = JSON.parse(readFileSync(join(source, 'log.json'), 'utf8')) as {
      readonly cursor: Cursor;
      readonly changes: readonly Shown[];
    };
    const copy = (what: string): string => {
      const path = join(root, `${format}-${variant}-${what}`);
      cpSync(join(source, 'state'), path, { recursive: true });
      return path;
    };

    test(`a directory of ${format}, ${variant}, is read without a byte of it being changed`, async () => {
      const path = copy('read');
      const before = filesOf(path);
      const engine = engineAt(path, 'reader');
      assert.deepEqual(await engine.open(), expected.cursor);
      assert.deepEqual(shown(await changesOf(engine)), expected.changes);
      await engine.close();
      assert.deepEqual(filesOf(path), before);
    });

    test(`a directory of ${format}, ${variant}, goes on: claimed, written, compacted, opened again`, async () => {
      const path = copy('go-on');
      // What a writer leaves that dies in the middle of a file, and of a snapshot.
      writeFileSync(join(path, 'wal', '.dead.1.tmp'), '{"segment":');
      const parts = join(path, 'snapshots', '00000000000000000099-dead-1');
      mkdirSync(parts);
      writeFileSync(join(parts, 'base-000001.jsonl'), '{"revision":1,');
      const { revision } = expected.cursor;
      const added = { revision: revision + 1, kind: 'core/pods', key: 'new', value: Buffer.of(49) };
      {
        const engine = engineAt(path, 'writer');
        await engine.open();
        const { epoch } = await engine.claim('m', 0);
        assert.equal(epoch, expected.cursor.epoch + 1);
        assert.deepEqual(await engine.append([{ epoch, records: [added] }]), [undefined]);
        while (!(await engine.compact(revision)));
        await engine.close();
      }
      const engine = engineAt(path, 'again');
      assert.equal((await engine.open()).revision, revision + 1);
      const wanted = [...expected.changes, ...shown([added])];
      assert.deepEqual(liveOf(shown(await changesOf(engine))), liveOf(wanted));
      let from: string | undefined;
      do from = (await engine.verify(from)).next;
      while (from !== undefined);
      await engine.close();
    });
  }
}
