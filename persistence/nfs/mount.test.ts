import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adviceOn, mountOf } from './mount.ts';

const TABLE = [
  '27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw',
  '40 27 0:50 / /mnt/state rw,relatime shared:2 - nfs4 server:/export rw,vers=4.2,hard,proto=tcp',
  '41 27 0:51 / /mnt/state/deep\\040er rw - nfs4 server:/other rw,vers=4.2,soft,timeo=10',
  '42 27 0:52 / /mnt/state2 rw - fuse.sshfs host:/ rw',
  '43 27 0:53 / /mnt/state2 rw - tmpfs tmpfs rw',
  '',
].join('\n');

for (const [path, type] of [
  ['/var/lib/windlass', 'ext4'],
  ['/mnt/state', 'nfs4'],
  ['/mnt/state/windlass', 'nfs4'],
  ['/mnt/statement', 'ext4'],
  ['/mnt/state/deep er/x', 'nfs4'],
  ['/mnt/state2/x', 'tmpfs'],
] as const) {
  test(`mountOf() finds that ${path} is on ${type}`, () => {
    assert.equal(mountOf(path, TABLE)?.type, type);
  });
}

test('mountOf() finds nothing in an empty or broken table', () => {
  assert.equal(mountOf('/x', ''), undefined);
  assert.equal(mountOf('/x', 'nonsense\n - \n1 2 3'), undefined);
});

test('adviceOn() speaks up for a local directory and a soft mount only', () => {
  const advice = (path: string): string => adviceOn(path, mountOf(path, TABLE)).join('; ');
  assert.match(advice('/var/lib/windlass'), /lies on this machine \(ext4\)/);
  assert.match(advice('/mnt/state/deep er/x'), /mounted soft/);
  assert.equal(advice('/mnt/state/windlass'), '');
  assert.deepEqual(adviceOn('/x', undefined), []);
});
