// The two programs of deploy/envtest: `main.ts kube-apiserver FLAGS` and `main.ts etcd FLAGS`.
import { processIO } from '../process-io.ts';
import { CommandError, UsageError } from '../usage-error.ts';
import { etcd } from './etcd.ts';
import { kubeApiserver } from './kube-apiserver.ts';

const [program = '', ...argv] = process.argv.slice(2);
const io = processIO();
try {
  process.exitCode = await (program === 'etcd' ? etcd : kubeApiserver)(argv, io);
} catch (error) {
  const isOurs = error instanceof CommandError || error instanceof UsageError;
  const next = error instanceof CommandError && error.next !== undefined ? `\n${error.next}` : '';
  const text = isOurs ? `${error.message}${next}` : ((error as Error).stack ?? String(error));
  io.err(`${program}: ${text}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
process.disconnect?.();
