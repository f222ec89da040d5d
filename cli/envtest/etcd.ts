// What envtest starts as `etcd`: it keeps nothing itself. It answers /health, and tells the `kube-apiserver` beside it in which folder
// its state belongs, so that the state lives and goes with the data directory that envtest gives to etcd.
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { resolve } from 'node:path';
import type { CommandIO } from '../command.ts';
import { aborted } from '../run-until-stopped.ts';
import { CommandError } from '../usage-error.ts';
import { goFlagsHelp, parseGoFlags } from './go-flags.ts';

/** Where the folder is asked for. */
export const DATA_DIR_PATH = '/windlass/data-dir';

const FLAGS = {
  'data-dir': { placeholder: 'DIR', help: 'Folder of the state (default default.etcd)' },
  'listen-client-urls': {
    placeholder: 'URL',
    help: 'Where to listen (default http://localhost:2379)',
  },
  'advertise-client-urls': { placeholder: 'URL', help: 'Taken and not used' },
  'listen-peer-urls': { placeholder: 'URL', help: 'Taken and not used' },
  'unsafe-no-fsync': {
    placeholder: 'BOOL',
    help: 'Taken and not used: what is written is durable',
  },
};

const USAGE = 'etcd of Windlass: a stand-in for the tests of operators (envtest).';

export async function etcd(argv: readonly string[], io: CommandIO): Promise<number> {
  const { values, help } = parseGoFlags(FLAGS, argv);
  if (help) {
    io.out(goFlagsHelp(USAGE, FLAGS));
    return 0;
  }
  const stop = io.stopSignal();
  const dataDir = resolve(values['data-dir'] ?? 'default.etcd');
  const address = clientAddress(values['listen-client-urls'] ?? 'http://localhost:2379');
  const server = createServer((request, response) => answer(request, response, dataDir));
  await listening(server, address);
  await aborted(stop);
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  return 0;
}

function answer({ url }: IncomingMessage, response: ServerResponse, dataDir: string): void {
  if (url === '/health') response.end('{"health":"true","reason":""}');
  else if (url === DATA_DIR_PATH) response.end(dataDir);
  else {
    response.statusCode = 404;
    response.end(`No ${url ?? ''} here: this is the etcd of Windlass, which keeps no keys.\n`);
  }
}

function clientAddress(list: string): URL {
  const [first = ''] = list.split(',');
  const url = URL.parse(first);
  if (url?.protocol !== 'http:')
    throw new CommandError(`--listen-client-urls ${list}: its first must be an http:// URL`);
  return url;
}

function listening(server: Server, { hostname, port }: URL): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', (error) =>
      fail(new CommandError(`--listen-client-urls: ${error.message}`, undefined, { cause: error })),
    );
    server.listen(Number(port || 80), hostname.replace(/^\[|\]$/g, ''), done);
  });
}
