import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { decode, encode, RECURSION_DESIRED } from 'dns-packet';
import type { DecodedPacket, Packet } from 'dns-packet';
import * as fc from 'fast-check';
import type { NamedTarget, NameView } from './dns-answer.ts';
import { parseResolvConf } from './dns-forwarder.ts';
import { resolveQuery } from './dns-resolver.ts';
import type { DNSResolverOptions } from './dns-resolver.ts';
import { DNSServer } from './dns-server.ts';

const web: NamedTarget = {
  address: '127.64.0.7',
  ports: [{ port: 8080, name: 'http' }, { port: 9090 }],
};
const idle: NamedTarget = { address: undefined, ports: [] };
const view: NameView = {
  service: (namespace, name) =>
    namespace !== 'default' ? undefined : { web, idle, 'a.b': web }[name],
  instance: (namespace, service, pod) =>
    namespace === 'default' && service === 'web' && pod === 'web-1' ? web : undefined,
  hasNamespace: (namespace) => namespace === 'default',
};

interface Asked {
  readonly names: string[];
  readonly counted: string[];
  readonly options: DNSResolverOptions;
}

function asked(
  forward: DNSResolverOptions['forward'] = () => Promise.reject(new Error('none')),
): Asked {
  const names: string[] = [];
  const counted: string[] = [];
  const options: DNSResolverOptions = {
    domain: 'internal',
    view,
    forward,
    asked: (name) => Promise.resolve(void names.push(name)),
    counted: (result) => void counted.push(result),
  };
  return { names, counted, options };
}

type Type = 'A' | 'AAAA' | 'SRV' | 'TXT' | 'SOA' | 'ANY';

function query(name: string, type: Type, more: Partial<Packet> = {}): Buffer {
  // The types know no ANY.
  const questions = [{ type: type as 'A', name, class: 'IN' as const }];
  return encode({ type: 'query', id: 77, flags: RECURSION_DESIRED, questions, ...more });
}

async function resolve(bytes: Buffer, options = asked().options): Promise<DecodedPacket> {
  const answer = await resolveQuery(bytes, 'udp', options);
  assert.ok(answer !== undefined);
  return decode(answer);
}

const codeOf = (packet: DecodedPacket): string => (packet as unknown as { rcode: string }).rcode;

async function look(name: string, type: Type): Promise<string> {
  const packet = await resolve(query(name, type));
  assert.equal(packet.id, 77);
  assert.deepEqual(
    packet.questions?.map((question) => question.name),
    [name],
  );
  const isEmpty = (packet.answers ?? []).length === 0;
  assert.equal(
    (packet.authorities ?? []).length,
    isEmpty ? 1 : 0,
    'an empty answer says how long it holds',
  );
  const answers = (packet.answers ?? []).map((answer) =>
    answer.type === 'SRV'
      ? `${answer.data.target}:${answer.data.port}`
      : answer.type === 'A'
        ? answer.data
        : answer.type,
  );
  return [codeOf(packet), ...answers].join(' ');
}

const EXPECTED: readonly (readonly [string, Type, string])[] = [
  ['web.default.internal', 'A', 'NOERROR 127.64.0.7'],
  ['web.default.svc.internal', 'A', 'NOERROR 127.64.0.7'],
  ['WEB.Default.INTERNAL', 'A', 'NOERROR 127.64.0.7'],
  ['a.b.default.internal', 'A', 'NOERROR 127.64.0.7'],
  ['web-1.web.default.internal', 'A', 'NOERROR 127.64.0.7'],
  ['web-2.web.default.internal', 'A', 'NXDOMAIN'],
  ['web.default.internal', 'ANY', 'NOERROR 127.64.0.7'],
  ['web.default.internal', 'AAAA', 'NOERROR'],
  ['web.default.internal', 'TXT', 'NOERROR'],
  ['idle.default.internal', 'A', 'NOERROR'],
  ['none.default.internal', 'A', 'NXDOMAIN'],
  ['web.other.internal', 'A', 'NXDOMAIN'],
  ['default.internal', 'A', 'NOERROR'],
  ['other.internal', 'A', 'NXDOMAIN'],
  ['internal', 'A', 'NOERROR'],
  ['web.default.internal', 'SRV', 'NOERROR web.default.internal:8080 web.default.internal:9090'],
  ['_http._tcp.web.default.internal', 'SRV', 'NOERROR web.default.internal:8080'],
  ['_http._tcp.web.default.internal', 'A', 'NOERROR'],
  ['_http._udp.web.default.internal', 'SRV', 'NXDOMAIN'],
  ['_ssh._tcp.web.default.internal', 'SRV', 'NXDOMAIN'],
  ['_http._tcp.none.default.internal', 'SRV', 'NXDOMAIN'],
  ['_.default.internal', 'A', 'NXDOMAIN'],
];
for (const [name, type, expected] of EXPECTED)
  test(`${type} of ${name} is ${expected}`, async () =>
    assert.equal(await look(name, type), expected));

test('what is not of the domain goes to the machine, in its own bytes, and only that', async () => {
  const seen: Buffer[] = [];
  const { options, names, counted } = asked((bytes) => {
    seen.push(bytes);
    return Promise.resolve(encode({ type: 'response', id: bytes.readUInt16BE(0), questions: [] }));
  });
  for (const name of ['example.com', 'notinternal', 'internal.example.com']) {
    const bytes = query(name, 'A');
    await resolve(bytes, options);
    assert.equal(seen.at(-1), bytes);
  }
  await resolve(query('web.default.internal', 'A'), options);
  assert.equal(seen.length, 3);
  assert.deepEqual(names, ['web.default.internal']);
  assert.deepEqual(counted, ['forwarded', 'forwarded', 'forwarded', 'answered']);
  assert.equal(codeOf(await resolve(query('example.com', 'A'))), 'SERVFAIL');
});

test('EDNS is answered with EDNS; what is too long for UDP says so and comes whole over TCP', async () => {
  const ports = Array.from({ length: 40 }, (_, index) => ({
    port: 1_000 + index,
    name: `p${index}`,
  }));
  const { options } = asked();
  const large = {
    ...options,
    view: { ...view, service: () => ({ address: '127.64.0.7', ports }) },
  };
  const cut = await resolve(query('web.default.internal', 'SRV'), large);
  assert.equal((cut as unknown as { flag_tc: boolean }).flag_tc, true);
  assert.equal(cut.answers?.length, 0);
  const whole = await resolveQuery(query('web.default.internal', 'SRV'), 'tcp', large);
  assert.equal(whole === undefined ? 0 : decode(whole).answers?.length, 40);
  const extended = await resolve(
    query('web.default.internal', 'A', {
      additionals: [
        {
          type: 'OPT',
          name: '.',
          udpPayloadSize: 4_096,
          extendedRcode: 0,
          ednsVersion: 0,
          flags: 0,
          flag_do: false,
          options: [],
        },
      ],
    }),
  );
  assert.ok(extended.additionals?.some(({ type }) => type === 'OPT'));
});

test('hostile packets are refused or ignored, never believed', async () => {
  const { options } = asked();
  const answers = (bytes: Buffer): Promise<Buffer | undefined> =>
    resolveQuery(bytes, 'udp', options);
  for (const length of [0, 1, 11]) assert.equal(await answers(Buffer.alloc(length)), undefined);
  const response = query('web.default.internal', 'A');
  response.writeUInt8(response.readUInt8(2) | 0x80, 2);
  assert.equal(await answers(response), undefined, 'an answer is not answered');
  const good = query('web.default.internal', 'A');
  // A name that points to itself, one beyond the end, a length that lies, counts that lie.
  const header = good.subarray(0, 12);
  const hostile = [
    Buffer.concat([header, Buffer.from([0xc0, 0x0c, 0, 1, 0, 1])]),
    Buffer.concat([header, Buffer.from([0xc0, 0xff, 0, 1, 0, 1])]),
    Buffer.concat([header, Buffer.from([63, 1, 2, 3])]),
    good.subarray(0, good.length - 3),
    Buffer.concat([
      header.subarray(0, 4),
      Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    ]),
  ];
  for (const bytes of hostile) assert.equal(codeOf(await resolve(bytes, options)), 'FORMERR');
  const twice = encode({
    type: 'query',
    id: 1,
    questions: [
      { type: 'A', name: 'web.default.internal' },
      { type: 'A', name: 'web.default.internal' },
    ],
  });
  assert.equal(codeOf(await resolve(twice, options)), 'FORMERR');
  const update = query('web.default.internal', 'A');
  update.writeUInt8(0x28, 2);
  assert.equal(codeOf(await resolve(update, options)), 'NOTIMP');
  const chaos = encode({
    type: 'query',
    id: 1,
    questions: [{ type: 'TXT', name: 'version.internal', class: 'CH' }],
  });
  assert.equal(codeOf(await resolve(chaos, options)), 'NOTIMP');
});

test('whatever bytes come, there is an answer with their id or none', async () => {
  const { options } = asked();
  const start = query('web.default.internal', 'A');
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 600 }),
      fc.nat(start.length),
      fc.boolean(),
      async (noise, kept, isPrefixed) => {
        const bytes = Buffer.concat(isPrefixed ? [start.subarray(0, kept), noise] : [noise]);
        const answer = await resolveQuery(bytes, 'udp', options);
        if (answer === undefined) return;
        assert.equal(answer.readUInt16BE(0), bytes.readUInt16BE(0));
        assert.equal(answer.readUInt8(2) & 0x80, 0x80);
        assert.ok(answer.length <= 1_232);
      },
    ),
    { numRuns: 500 },
  );
});

async function serving(t: TestContext): Promise<number> {
  const server = new DNSServer({ ...asked().options, isKnown: () => true });
  t.after(() => server.close());
  return server.listen('127.0.0.1', 0);
}

test('DNSServer answers over UDP and, several on one connection and in pieces, over TCP', async (t) => {
  const port = await serving(t);
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  const first = new Promise<Buffer>((done) => socket.once('message', done));
  socket.send(Buffer.from('nonsense'), port, '127.0.0.1');
  socket.send(query('web.default.internal', 'A'), port, '127.0.0.1');
  assert.equal(decode(await first).answers?.length, 1);

  const client = connect(port, '127.0.0.1');
  const framed = (bytes: Buffer): Buffer => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const both = Buffer.concat([
    framed(query('web.default.internal', 'A')),
    framed(query('none.default.internal', 'A')),
  ]);
  client.write(both.subarray(0, 5));
  client.write(both.subarray(5));
  let held = Buffer.alloc(0);
  const codes: string[] = [];
  for await (const chunk of client as AsyncIterable<Buffer>) {
    held = Buffer.concat([held, chunk]);
    while (held.length > 2 && held.length >= 2 + held.readUInt16BE(0)) {
      codes.push(codeOf(decode(held.subarray(2, 2 + held.readUInt16BE(0)))));
      held = held.subarray(2 + held.readUInt16BE(0));
    }
    if (codes.length === 2) break;
  }
  assert.deepEqual(codes, ['NOERROR', 'NXDOMAIN']);
  // Whoever sends an answer, or too little, is cut off.
  const liar = connect(port, '127.0.0.1', () => liar.end(framed(Buffer.alloc(3))));
  liar.resume();
  await new Promise((done) => liar.once('close', done));
});

test('parseResolvConf() takes what it understands', () => {
  const text =
    '# comment\nnameserver 10.0.0.1\nnameserver fe80::1%eth0\nnameserver nonsense\nsearch a.example b.example\noptions x\nnameserver 1.1.1.1\nnameserver 8.8.8.8\n';
  assert.deepEqual(parseResolvConf(text), {
    servers: ['10.0.0.1', 'fe80::1%eth0', '1.1.1.1'],
    searches: ['a.example', 'b.example'],
  });
  assert.deepEqual(parseResolvConf(''), { servers: [], searches: [] });
});
