// `windlass node kubeconfig NAME`: lets another machine in. The file holds the key of that node: it belongs there and nowhere else.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadConnection } from '#controllers/machinery/kubeconfig.ts';
import { writeNodeKubeconfig } from '#controlplane/node-kubeconfig.ts';
import { systemClock } from '#platform/clock.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { dataDirectoryAt } from '../data-directory.ts';
import { CommandError, UsageError } from '../usage-error.ts';
import { nodeNameOf, upOptions } from './up-options.ts';

const LOOPBACK = /^https:\/\/(127\.|localhost[:/]|\[::1\])/;

export const nodeKubeconfig = defineCommand({
  help: helpOf.nodeKubeconfig,
  words: ['NAME'],
  options: {
    'data-dir': { ...upOptions['data-dir'], help: 'Data directory of the server' },
    server: {
      type: 'string',
      placeholder: 'URL',
      help: 'Where that machine reaches the API server (default: as in admin.kubeconfig)',
    },
    output: {
      type: 'string',
      short: 'o',
      placeholder: 'FILE',
      help: 'Where to write it (default: NAME.kubeconfig)',
    },
  },
  async run(values, [name = ''], io) {
    if (nodeNameOf(name) !== name)
      throw new UsageError(
        `NAME must be a name of a node, lower case letters, digits, - and ., found ${JSON.stringify(name)}`,
      );
    const directory = dataDirectoryAt(values['data-dir']);
    const admin = join(directory.path, 'admin.kubeconfig');
    if (!existsSync(admin))
      throw new CommandError(
        `there is no server's data at ${directory.path}`,
        'Run this where the server runs; --data-dir names its data directory.',
      );
    const server = values.server ?? (await loadConnection(admin)).server.href.replace(/\/$/, '');
    if (URL.parse(server)?.protocol !== 'https:')
      throw new UsageError(`--server must be a URL with https:, found ${JSON.stringify(server)}`);
    const file = values.output ?? `${name}.kubeconfig`;
    await writeNodeKubeconfig({
      dataDir: directory.path,
      clock: systemClock,
      nodeName: name,
      server,
      file,
    });
    io.out(`made ${file} for node ${name}; it holds its key: move it there, then run\n`);
    io.out(`  windlass node run --kubeconfig ${file} --node-name ${name}\n`);
    if (LOOPBACK.test(`${server}/`))
      io.err(
        `${server} leads other machines to themselves: start the server with --bind, or name its address with --server\n`,
      );
    return 0;
  },
});
