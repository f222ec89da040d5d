// Real programs as plugins: one that works, and one for each way to go wrong.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';
import { KeyPlugin } from './key-plugin.ts';
import { Keyring } from './keyring.ts';
import { Sealer } from './sealer.ts';

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'windlass-plugin-'));
});
after(() => rm(directory, { recursive: true }));

const API = 'windlass.dev/secrets-key/v1';

/** Turns every byte around and notes each question's operation, never its content. */
const WORKING = `
  appendFileSync(process.argv[2], question.operation + '\\n');
  const turn = (text) => Buffer.from(text, 'base64').map((byte) => byte ^ 0x5a).toString('base64');
  if (question.operation === 'wrap') answer({ ciphertext: turn(question.plaintext) });
  else answer({ plaintext: turn(question.ciphertext) });`;

async function plugin(name: string, body: string, clock: Clock = systemClock): Promise<KeyPlugin> {
  const path = join(directory, `${name}.mjs`);
  await writeFile(
    path,
    `import { appendFileSync, readFileSync } from 'node:fs';
     const question = JSON.parse(readFileSync(0, 'utf8'));
     if (question.apiVersion !== '${API}') process.exit(9);
     const answer = (fields) => console.log(JSON.stringify({ apiVersion: '${API}', ...fields }));
     ${body}`,
  );
  return new KeyPlugin(
    [process.execPath, path, join(directory, `${name}.log`)],
    process.env,
    clock,
  );
}

async function questions(name: string): Promise<readonly string[]> {
  return (await readFile(join(directory, `${name}.log`), 'utf8')).trim().split('\n');
}

test('one key is wrapped once, opened once per start, and carried by every envelope', async () => {
  const bytes = Buffer.from('{"kind":"Secret"}');
  const first = new Sealer(await Keyring.open([await plugin('good', WORKING)]));
  await first.loaded();
  assert.match(first.madeKeyIn ?? '', /^plugin /);
  const sealed = Array.from({ length: 50 }, (_, n) =>
    first.toStorage('core/secrets', `default/s${n}`, bytes, n + 1),
  );
  assert.deepEqual(await questions('good'), ['wrap', 'unwrap']);

  const second = new Sealer(await Keyring.open([await plugin('good', WORKING)]));
  const records = sealed.map((value, n) => ({
    kind: 'core/secrets',
    key: `default/s${n}`,
    revision: n + 1,
    value,
  }));
  await second.prepare(records);
  for (const { kind, key, value, revision } of records) {
    assert.deepEqual(second.fromStorage(kind, key, value, revision), bytes);
  }
  await second.loaded();
  assert.equal(second.madeKeyIn, undefined);
  assert.equal(second.keyring.sealingKey.id, first.keyring.sealingKey.id);
  assert.deepEqual(await questions('good'), ['wrap', 'unwrap', 'unwrap']);

  // A new key, and a start with both: the newest envelope's key seals.
  await second.keyring.makeSealingKey();
  const value = second.toStorage('core/secrets', 'default/s0', bytes, 100);
  const third = new Sealer(await Keyring.open([await plugin('good', WORKING)]));
  const all = [...records, { kind: 'core/secrets', key: 'default/s0', revision: 100, value }];
  await third.prepare(all);
  for (const record of all)
    third.fromStorage(record.kind, record.key, record.value, record.revision);
  await third.loaded();
  assert.equal(third.keyring.sealingKey.id, second.keyring.sealingKey.id);
});

test('an envelope of a plugin without the plugin says which flag is missing', async () => {
  const sealer = new Sealer(await Keyring.open([await plugin('gone', WORKING)]));
  await sealer.loaded();
  const value = sealer.toStorage('core/secrets', 'default/a', Buffer.from('{}'), 1);
  const { TestKeys } = await import('./keys-fixture.ts');
  const without = new Sealer(await Keyring.open([new TestKeys(['a'])]));
  await assert.rejects(
    without.prepare([{ kind: 'core/secrets', key: 'default/a', revision: 1, value }]),
    /a plugin wrapped it; add --secrets-key exec:COMMAND/,
  );
});

for (const [what, body, message] of [
  [
    'exits',
    'console.error("no access to key\\nkey denied"); process.exit(3)',
    /exited with 3: key denied$/,
  ],
  [
    'dies',
    'process.kill(process.pid, "SIGTERM"); setInterval(() => 0, 1e3)',
    /was ended by SIGTERM/,
  ],
  ['says-nothing', '', /not one JSON document/],
  ['chatters', 'console.log("ok"); answer({ ciphertext: "AA==" })', /not one JSON document/],
  ['lists', 'console.log("[]")', /JSON that is no object/],
  ['wrong-version', 'console.log("{}")', /must answer with apiVersion windlass/],
  ['wrong-field', 'answer({ plaintext: "AA==" })', /a field that is not in the protocol/],
  ['no-text', 'answer({ ciphertext: 7 })', /ciphertext as a string/],
  ['no-base64', 'answer({ ciphertext: "not base64" })', /ciphertext in base64/],
  ['empty', 'answer({ ciphertext: "" })', /its ciphertext has 0 bytes/],
  ['leaks', 'answer({ ciphertext: question.plaintext })', /holds the key in the clear/],
  [
    'too-long',
    'answer({ ciphertext: Buffer.alloc(5000, 1).toString("base64") })',
    /has 5000 bytes/,
  ],
  [
    'floods',
    'console.log("x".repeat(1e6)); setInterval(() => 0, 1e3)',
    /was ended by SIGKILL|not one JSON/,
  ],
  [
    'forgets',
    'if (question.operation === "wrap") answer({ ciphertext: "AAAA" }); else answer({ plaintext: Buffer.alloc(32).toString("base64") })',
    /unwraps to another key/,
  ],
  [
    'short',
    'if (question.operation === "wrap") answer({ ciphertext: "AAAA" }); else answer({ plaintext: "AAAA" })',
    /unwraps to 3 bytes, 32 are needed/,
  ],
] as const) {
  test(`a plugin that goes wrong is refused with the reason: ${what}`, async () => {
    const error = { name: 'SecretsKeyError', message };
    await assert.rejects((await plugin(what, body)).create(), error);
  });
}

test('what a plugin writes to standard error is shown without anything that could be a key', async () => {
  const leaking = await plugin(
    'tells',
    'console.error(`cannot wrap ${question.plaintext}`); process.exit(1)',
  );
  await assert.rejects(leaking.create(), (error: Error) => {
    assert.match(error.message, /exited with 1: cannot wrap …$/);
    return true;
  });
});

test('a plugin that does not exist, or that hangs, is named', async () => {
  const absent = new KeyPlugin([join(directory, 'absent')], process.env, systemClock);
  await assert.rejects(absent.create(), /absent cannot be run: there is no such program/);
  // The hand of this clock is at the deadline as soon as it is asked.
  const late: Clock = {
    ...systemClock,
    schedule: (_ms, callback) => systemClock.schedule(0, callback),
  };
  const hanging = await plugin('hangs', 'setInterval(() => 0, 1e3)', late);
  await assert.rejects(hanging.create(), /gave no answer within 10 s/);
});
