// Ends a command in a container whose caller has left. On the Engine's own machine its process is killed from outside, which needs
// nothing of the container; elsewhere, or without the right to, a shell in the container does it.
import { readFile } from 'node:fs/promises';
import { kill } from 'node:process';
import type Docker from 'dockerode';

/** Names the session that a process in a container belongs to. */
export const EXEC_MARKER = 'WINDLASS_EXEC_ID';

const SWEEP =
  'for p in /proc/[0-9]*; do if tr "\\0" "\\n" < "$p/environ" 2>/dev/null | grep -qxF "$0"; then kill -9 "${p#/proc/}"; fi; done';

/** @throws Error when neither way works */
export async function killDockerExec(
  container: Docker.Container,
  exec: Docker.Exec,
  execID: string,
): Promise<void> {
  const { Running, Pid } = await exec.inspect();
  if (!Running) return;
  const marker = `${EXEC_MARKER}=${execID}`;
  if (await killHere(Pid, marker)) return;
  const sweep = await container.exec({ Cmd: ['sh', '-c', SWEEP, marker] });
  await sweep.start({ Detach: true });
}

/** A process id may mean somebody else on this machine: only one with the marker is killed. */
async function killHere(pid: number, marker: string): Promise<boolean> {
  if (pid <= 0) return false;
  try {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8');
    if (!environment.split('\0').includes(marker)) return false;
    kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}
