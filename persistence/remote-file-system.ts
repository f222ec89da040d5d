// Whether a directory lies on another machine: there SQLite's locks and fsync mean less than they say.
import { readFile, realpath, statfs } from 'node:fs/promises';
import { makeDirectory } from '#platform/make-directory.ts';

/** f_type of statfs(2), from Linux' magic.h and the file systems' own headers. */
const TYPES: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff_53_4d_42, 'SMB'],
  [0xfe_53_4d_42, 'SMB'],
  [0x01_02_19_97, '9p'],
  [0x53_46_41_4f, 'AFS'],
  [0x6b_41_46_53, 'AFS'],
  [0x73_75_72_45, 'Coda'],
  [0x00_c3_64_00, 'CephFS'],
  [0x0b_d0_0b_d0, 'Lustre'],
  [0x47_50_46_53, 'GPFS'],
  [0x19_83_03_26, 'BeeGFS'],
]);
const FUSE = 0x65_73_55_46;
/** The same by the names of the mount table: to ask a path there could hang. */
const MOUNTED: ReadonlyMap<string, string> = new Map([
  ['nfs', 'NFS'],
  ['nfs4', 'NFS'],
  ['cifs', 'SMB'],
  ['smb3', 'SMB'],
  ['9p', '9p'],
  ['afs', 'AFS'],
  ['coda', 'Coda'],
  ['ceph', 'CephFS'],
  ['lustre', 'Lustre'],
  ['gpfs', 'GPFS'],
  ['beegfs', 'BeeGFS'],
]);

/** What the mount table calls those FUSE file systems that reach over a network, without the `fuse.` before it. */
const FUSE_KINDS: ReadonlySet<string> = new Set([
  'sshfs',
  's3fs',
  'rclone',
  'mount-s3',
  'mountpoint-s3',
  'goofys',
  'geesefs',
  'gcsfuse',
  'blobfuse',
  'blobfuse2',
  'juicefs',
  'seaweedfs',
  'objectivefs',
  'glusterfs',
  'ceph',
  'ceph-fuse',
  'mfs',
  'moosefs',
  'lizardfs',
  'saunafs',
  'davfs',
  'davfs2',
  'curlftpfs',
  'smbnetfs',
  'smb3',
  'nfs',
  'fuse-nfs',
  'hdfs',
  'gvfsd-fuse',
]);

/** The name of the network file system that an f_type means; undefined for all others. */
export function remoteFileSystemName(type: number): string | undefined {
  return TYPES.get(type);
}

/** The name of the network file system that a type of the mount table means, as in `fuse.sshfs`; undefined for all others. */
export function remoteFuseName(type: string): string | undefined {
  const kind = type.startsWith('fuse.') ? type.slice('fuse.'.length) : type;
  return FUSE_KINDS.has(kind) ? kind : undefined;
}

/**
 * The type of the file system that `path` lies on.
 *
 * @param mountinfo as proc(5) describes /proc/self/mountinfo
 * @param path absolute, without symbolic links
 */
export function mountedType(mountinfo: string, path: string): string | undefined {
  let best = '';
  let type: string | undefined;
  for (const line of mountinfo.split('\n')) {
    const [fields = '', rest = ''] = line.split(' - ', 2);
    const point = (fields.split(' ')[4] ?? '').replaceAll(/\\(\d{3})/g, (_octal, digits: string) =>
      String.fromCodePoint(Number.parseInt(digits, 8)),
    );
    if (point === '' || point.length < best.length) continue;
    const isBelow = path === point || path.startsWith(point === '/' ? '/' : `${point}/`);
    if (!isBelow) continue;
    // Of two on one point the later one hides the other.
    best = point;
    type = rest.split(' ')[0];
  }
  return type;
}

/** Makes the directory where there is none. @returns the name of its network file system; undefined for local ones */
export async function remoteFileSystem(directory: string): Promise<string | undefined> {
  // The numbers are Linux' own; elsewhere they mean other things.
  if (process.platform !== 'linux') return undefined;
  const mounts = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  const mounted = MOUNTED.get(mountedType(mounts, directory) ?? '');
  if (mounted !== undefined) return mounted;
  makeDirectory(directory, 0o700);
  const { type } = await statfs(directory);
  if (type !== FUSE) return remoteFileSystemName(type);
  return remoteFuseName(mountedType(mounts, await realpath(directory)) ?? '');
}
