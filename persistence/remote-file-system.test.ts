import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mountedType, remoteFileSystemName, remoteFuseName } from './remote-file-system.ts';

test('remoteFileSystemName() knows the network file systems and no local one', () => {
  const names = [0x6969, 0xff534d42, 0xfe534d42, 0x517b, 0x01021997, 0x00c36400].map(
    remoteFileSystemName,
  );
  assert.deepEqual(names, ['NFS', 'SMB', 'SMB', 'SMB', '9p', 'CephFS']);
  // ext4, xfs, btrfs, tmpfs, overlayfs, FUSE
  for (const type of [0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x65735546]) {
    assert.equal(remoteFileSystemName(type), undefined);
  }
});

test('remoteFuseName() tells FUSE over a network from FUSE over a disk', () => {
  for (const type of [
    'fuse.sshfs',
    'fuse.s3fs',
    'fuse.rclone',
    'fuse.glusterfs',
    'fuse.mount-s3',
  ]) {
    assert.equal(remoteFuseName(type), type.slice(5));
  }
  for (const type of [
    'fuse',
    'fuse.mergerfs',
    'fuse.ntfs-3g',
    'fuseblk',
    'fuse.faultfs',
    'ext4',
    '',
  ]) {
    assert.equal(remoteFuseName(type), undefined);
  }
});

test('mountedType() takes the innermost mount, of two on one point the later, with escaped names', () => {
  const mountinfo = [
    '22 1 0:21 / / rw,relatime - ext4 /dev/vda rw',
    '23 22 0:22 / /mnt rw shared:5 - fuse.sshfs host:/ rw,user_id=0',
    '24 23 0:23 / /mnt/with\\040space rw - xfs /dev/vdb rw',
    '25 22 0:24 / /twice rw - tmpfs tmpfs rw',
    '26 22 0:25 / /twice rw - fuse.s3fs s3fs rw',
    '',
  ].join('\n');
  assert.equal(mountedType(mountinfo, '/'), 'ext4');
  assert.equal(mountedType(mountinfo, '/mnt'), 'fuse.sshfs');
  assert.equal(mountedType(mountinfo, '/mnt/a/b'), 'fuse.sshfs');
  assert.equal(mountedType(mountinfo, '/mnt2'), 'ext4');
  assert.equal(mountedType(mountinfo, '/mnt/with space/x'), 'xfs');
  assert.equal(mountedType(mountinfo, '/twice/x'), 'fuse.s3fs');
  assert.equal(mountedType('', '/x'), undefined);
});
