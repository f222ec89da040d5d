// Ceph's RADOS Gateway, a real S3 server, alone on this machine: one monitor, one disk in memory, one gateway, all of them
// children of the test. Two of them run side by side. What lies in them is gone when they are.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { outputOf } from './command.ts';
import { eventually } from './eventually.ts';
import { freePort } from './free-ports.ts';
import { tempDir } from './temp-dir.ts';

const ACCESS_KEY = 'testaccess';
const SECRET_KEY = 'testsecret123';

export interface RadosGateway extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  /** With the keys of its user; not of what is being tested. */
  readonly client: S3Client;
  createBucket(name: string): Promise<void>;
  /** `radosgw-admin …` against it. @returns its output */
  admin(...args: readonly string[]): Promise<string>;
  /** Stops it in its tracks, or lets it go on: connections stay open and nothing answers. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
}

/** What any S3 client reads its keys from, in the form of process.env. */
export const GATEWAY_ENVIRONMENT = {
  AWS_ACCESS_KEY_ID: ACCESS_KEY,
  AWS_SECRET_ACCESS_KEY: SECRET_KEY,
  // Nobody's own settings, and no question to the network where keys might be.
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
} as const;

/** Why there can be none here; undefined when all is there. */
export function missingRadosGateway(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  const missing = ['ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin', 'ceph'].filter(
    (program) => !existsSync(join('/usr/bin', program)),
  );
  return missing.length === 0
    ? undefined
    : `needs ${missing.join(', ')} (Debian: ceph-mon ceph-osd radosgw ceph-common)`;
}

/** Starts one; it takes about two seconds. */
export async function startRadosGateway(): Promise<RadosGateway> {
  const folder = tempDir();
  const [port, monitorPort] = [await freePort(), await freePort()];
  const fsid = randomUUID();
  const conf = join(folder, 'ceph.conf');
  await mkdir(join(folder, 'mon'));
  await mkdir(join(folder, 'osd'));
  await mkdir(join(folder, 'run'));
  await writeFile(conf, configuration({ folder, port, monitorPort, fsid }));
  const env = { ...process.env, CEPH_CONF: conf, CEPH_ARGS: '' };
  const children: ChildProcess[] = [];
  const start = (program: string, ...args: readonly string[]): ChildProcess => {
    // They end when this process does, however it ends.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args], {
      env,
      stdio: 'ignore',
    });
    children.push(child);
    return child;
  };
  const command = (program: string, ...args: readonly string[]): Promise<string> =>
    outputOf(program, args, { env });
  const close = async (): Promise<void> => {
    await Promise.all(
      children.toReversed().map(async (child) => {
        const gone = once(child, 'exit');
        if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) {
          await gone;
        }
      }),
    );
  };
  try {
    const map = join(folder, 'monmap');
    const address = `[v2:127.0.0.1:${monitorPort}/0]`;
    await command('monmaptool', '--create', '--fsid', fsid, '--addv', 'a', address, map);
    await command('ceph-mon', '--mkfs', '-i', 'a', '--monmap', map, '--no-mon-config');
    start('ceph-mon', '-f', '-i', 'a');
    const osd = randomUUID();
    await command('ceph', 'osd', 'new', osd, '0');
    await command('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', osd);
    start('ceph-osd', '-f', '-i', '0');
    await eventually('the disk is in', async () => {
      if (!(await command('ceph', 'osd', 'stat')).includes('1 up')) throw new Error('not up');
    });
    const keys = [`--access-key=${ACCESS_KEY}`, `--secret-key=${SECRET_KEY}`];
    await command('radosgw-admin', 'user', 'create', '--uid=test', '--display-name=test', ...keys);
    const gateway = start('radosgw', '-f', '-n', 'client.rgw');
    const endpoint = `http://127.0.0.1:${port}`;
    await eventually('the gateway answers', async () => {
      if (gateway.exitCode !== null) throw new Error(await logOf(folder));
      const answer = await fetch(endpoint);
      await answer.arrayBuffer();
      if (answer.status !== 200) throw new Error(`it answers ${answer.status}`);
    });
    const client = gatewayClient(endpoint);
    return {
      endpoint,
      client,
      createBucket: async (name) => {
        await client.send(new CreateBucketCommand({ Bucket: name }));
      },
      admin: (...args) => command('radosgw-admin', ...args),
      signal: (signal) => {
        gateway.kill(signal);
      },
      [Symbol.asyncDispose]: async () => {
        client.destroy();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** With the keys of the gateway's user. */
export function gatewayClient(endpoint: string): S3Client {
  return new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY },
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
}

interface Places {
  readonly folder: string;
  readonly port: number;
  readonly monitorPort: number;
  readonly fsid: string;
}

/** Everything small and quick: no authentication between the parts, one copy, and a monitor that does not wait for others. */
function configuration({ folder, port, monitorPort, fsid }: Places): string {
  return `[global]
fsid = ${fsid}
mon host = [v2:127.0.0.1:${monitorPort}/0]
public addr = 127.0.0.1
run dir = ${folder}/run
admin socket = ${folder}/run/$name.asok
log file = ${folder}/$name.log
mon cluster log file = ${folder}/cluster.log
mon data avail crit = 1
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
osd crush chooseleaf type = 0
mon max pg per osd = 1000
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd objectstore = memstore
memstore device bytes = 2147483648
[mon.a]
mon data = ${folder}/mon
paxos propose interval = 0.05
paxos min wait = 0.01
[osd.0]
osd data = ${folder}/osd
[client.rgw]
rgw data = ${folder}
ms mon client mode = crc secure
rgw frontends = beast endpoint=127.0.0.1:${port} tcp_nodelay=1
rgw enable usage log = false
rgw enable ops log = false
rgw thread pool size = 64
`;
}

async function logOf(folder: string): Promise<string> {
  const log = await readFile(join(folder, 'client.rgw.log'), 'utf8').catch(() => 'no log');
  return `it ended: ${log.slice(-2_000)}`;
}
