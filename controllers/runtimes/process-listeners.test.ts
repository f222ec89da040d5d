import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { findListener, parseListening } from './process-listeners.ts';

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const line = (local: string, state: string, inode: number): string =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0 100 0 0 10 0`;

test('parseListening() finds who listens, and how to connect to it', () => {
  const text = [
    HEAD,
    line('0100007F:1F90', '0A', 11),
    line('00000000:0050', '0A', 12),
    line('0100007F:1F91', '01', 13),
    line('00000000000000000000000000000000:01BB', '0A', 14),
    line('00000000000000000000000001000000:01BC', '0A', 15),
    line('B80D0120000000000000000001000000:01BD', '0A', 16),
    'nonsense',
    '',
  ].join('\n');
  assert.deepEqual(parseListening(text), [
    { inode: '11', port: 8080, host: '127.0.0.1' },
    { inode: '12', port: 80, host: '127.0.0.1' },
    { inode: '14', port: 443, host: '::1' },
    { inode: '15', port: 444, host: '0:0:0:0:0:0:0:1' },
    { inode: '16', port: 445, host: '2001:db8:0:0:0:0:0:1' },
  ]);
});

test(
  'findListener() finds a port of the process asked for, and of no other',
  { skip: process.platform !== 'linux' && 'needs /proc' },
  async (t) => {
    const server = createServer().listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    assert.deepEqual(await findListener([process.pid], port), { host: '127.0.0.1', port });
    assert.equal(await findListener([1_000_000_000], port), undefined);
    assert.equal(await findListener([process.pid], 1), undefined);
  },
);
