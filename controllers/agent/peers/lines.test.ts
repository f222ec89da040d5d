import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { LineSplitter, LONGEST_LINE, readLine } from './lines.ts';
import { parseLinkMessage, parseOpening } from './messages.ts';
import { peerAddressOf } from './peer-mesh.ts';

const never = new AbortController().signal;

test('LineSplitter gives whole lines whatever the pieces are', () => {
  const lines = new LineSplitter();
  assert.deepEqual(lines.push('one\ntw'), ['one']);
  const bytes = Buffer.from('ö\nthree');
  assert.deepEqual(lines.push(bytes.subarray(0, 1)), []);
  assert.deepEqual(lines.push(bytes.subarray(1)), ['twö']);
  assert.deepEqual(lines.push('\n\n'), ['three', '']);
  assert.throws(() => lines.push('x'.repeat(LONGEST_LINE + 1)), /longer than/);
});

test('readLine() leaves what follows to the next reader', async () => {
  const stream = new PassThrough();
  const line = readLine(stream, never);
  stream.write('fir');
  stream.write('st\nsecond');
  assert.equal(await line, 'first');
  let rest = '';
  stream.on('data', (chunk: Buffer) => (rest += chunk.toString()));
  stream.end(' third');
  await new Promise((resolve) => stream.once('end', resolve));
  assert.equal(rest, 'second third');
});

test('readLine() ends with the stream, the limit and the signal', async () => {
  const ended = new PassThrough();
  ended.end('no end of line');
  await assert.rejects(readLine(ended, never), /ended before its first line/);
  const long = new PassThrough();
  long.write('x'.repeat(LONGEST_LINE + 1));
  await assert.rejects(readLine(long, never), /longer than/);
  const waiting = new AbortController();
  const silent = readLine(new PassThrough(), waiting.signal);
  waiting.abort(new Error('enough'));
  await assert.rejects(silent, /enough/);
});

test('messages are taken for what they are, and nothing else', () => {
  assert.deepEqual(parseOpening('{"open":"link","more":1}'), { open: 'link' });
  const connect = { open: 'connect', podUID: 'u', port: 80 };
  assert.deepEqual(parseOpening(JSON.stringify(connect)), connect);
  for (const port of [0, 65_536, 1.5, -1, '', null, {}, 'x'.repeat(300)])
    assert.equal(
      parseOpening(JSON.stringify({ ...connect, port })),
      undefined,
      JSON.stringify(port),
    );
  for (const text of ['', 'null', '[]', '{', '{"open":1}', '"link"'])
    assert.equal(parseOpening(text), undefined);
  const instance = { podUID: 'u', pod: 'p', namespace: 'n', service: 's', revision: '' };
  assert.deepEqual(parseLinkMessage(JSON.stringify({ type: 'ready', instance })), {
    type: 'ready',
    instance,
  });
  for (const key of Object.keys(instance))
    for (const value of [undefined, 7, null, 'x'.repeat(300)]) {
      const message = { type: 'ready', instance: { ...instance, [key]: value } };
      assert.equal(parseLinkMessage(JSON.stringify(message)), undefined, key);
    }
  assert.equal(parseLinkMessage('{"type":"drain","podUID":"u","limitMs":-1}'), undefined);
  assert.equal(parseLinkMessage('{"type":"gone"}'), undefined);
  assert.equal(parseLinkMessage('{"type":"later"}'), undefined);
});

test('peerAddressOf() reads what Nodes are annotated with', () => {
  assert.deepEqual(peerAddressOf('b', '10.0.0.5:6444'), {
    node: 'b',
    host: '10.0.0.5',
    port: 6444,
  });
  assert.equal(peerAddressOf('b', '[fd00::5]:1')?.host, 'fd00::5');
  assert.equal(peerAddressOf('b', 'b.example.com:65535')?.host, 'b.example.com');
  for (const text of ['', '10.0.0.5', ':6444', 'x:0', 'x:65536', 'a b:1', 'http://x:1', 'x:1/'])
    assert.equal(peerAddressOf('b', text), undefined, text);
});
