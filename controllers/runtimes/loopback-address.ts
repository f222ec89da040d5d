// Addresses of this machine that containers can reach, on the loopback interface, through iproute2. Needs root.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Nothing happens when it is there already. @throws Error saying what the system said */
export async function addLoopbackAddress(address: string): Promise<void> {
  await run('ip', ['addr', 'replace', `${address}/32`, 'dev', 'lo']);
}

/** Nothing happens when it is gone already. */
export async function removeLoopbackAddress(address: string): Promise<void> {
  await run('ip', ['addr', 'del', `${address}/32`, 'dev', 'lo']).catch(() => undefined);
}
