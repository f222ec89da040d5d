// What a path is mounted from, by the kernel's table of mounts (proc(5), mountinfo): reading that never asks the file server.

export interface Mount {
  readonly mountPoint: string;
  /** `nfs4`, `ext4` … */
  readonly type: string;
  readonly options: ReadonlySet<string>;
}

const NETWORK = /^(nfs4?|cifs|smb3|9p|afs|ceph|glusterfs|fuse\.(sshfs|glusterfs|ceph.*))$/;

/** The mount that an absolute path lies on; undefined where the table does not say. */
export function mountOf(path: string, mountinfo: string): Mount | undefined {
  let best: Mount | undefined;
  for (const line of mountinfo.split('\n')) {
    const mount = parseLine(line);
    if (mount === undefined || !isBelow(path, mount.mountPoint)) continue;
    // Of two at one point the later one hides the earlier.
    if (mount.mountPoint.length >= (best?.mountPoint.length ?? 0)) best = mount;
  }
  return best;
}

function parseLine(line: string): Mount | undefined {
  const [left = '', right = ''] = line.split(' - ');
  const [, , , , mountPoint, own = ''] = left.split(' ');
  const [type, , shared = ''] = right.split(' ');
  if (mountPoint === undefined || type === undefined) return undefined;
  const unescaped = mountPoint.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
  return {
    mountPoint: unescaped,
    type,
    options: new Set([...own.split(','), ...shared.split(',')]),
  };
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}

/** What an operator should know about keeping the state there: sentences, none when all is well. */
export function adviceOn(path: string, mount: Mount | undefined): readonly string[] {
  if (mount === undefined) return [];
  if (!NETWORK.test(mount.type)) {
    return [
      `nfs:${path} lies on this machine (${mount.type}): the state is lost with it; mount a file server for more`,
    ];
  }
  if (!mount.options.has('soft') && !mount.options.has('softerr')) return [];
  return [
    `nfs:${path} is mounted soft: a slow server then fails writes that a hard mount would wait for; mount it with hard, and export it with sync`,
  ];
}
