// `windlass status`: does the server run, where, and what does it hold. Exit code 1 when it does not answer.
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import { NODES, SERVICES } from '#controllers/machinery/resources.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, kubeconfigOf, withClient } from '../connect.ts';
import { dataDirectoryAt, servingPid } from '../data-directory.ts';
import { formatTable } from '../output.ts';
import type { ServiceObject } from '../revisions.ts';
import { CommandError } from '../usage-error.ts';

type NodeObject = ApiObject & {
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
};

export const status = defineCommand({
  help: helpOf.status,
  options: clientOptions,
  async run(values, _words, io) {
    const signal = io.stopSignal();
    const directory = dataDirectoryAt(values['data-dir']);
    const pid = servingPid(directory);
    // A kubeconfig that was named may be of a server elsewhere; the default one is of the server here.
    if (values.kubeconfig === undefined && pid === undefined)
      throw new CommandError(
        `no server runs on ${directory.path}`,
        'npm start starts one; --data-dir or --kubeconfig name another.',
      );
    const answer = await withClient(values, 'status', async (client) => ({
      version: (await client.getPath('/version', signal)) as { readonly gitVersion?: string },
      nodes: await client.list<NodeObject>(NODES, {}, signal),
      services: await client.list<ServiceObject>(SERVICES, {}, signal),
    }));
    const ready = answer.nodes.items.filter((node) =>
      node.status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True'),
    );
    io.out(
      [
        `server      ${answer.version.gitVersion ?? 'unknown version'}${values.kubeconfig === undefined && pid !== undefined ? `, process ${pid}` : ''}`,
        `kubeconfig  ${kubeconfigOf(values)}`,
        `nodes       ${ready.length} of ${answer.nodes.items.length} ready`,
        `services    ${answer.services.items.length}`,
        '',
      ].join('\n'),
    );
    if (answer.services.items.length > 0) {
      const rows = answer.services.items.map((service) => [
        service.metadata.namespace ?? '',
        service.metadata.name,
        `${service.status?.readyReplicas ?? 0}/${service.status?.desiredReplicas ?? 0}`,
      ]);
      io.out(`\n${formatTable(['NAMESPACE', 'SERVICE', 'READY'], rows)}`);
    }
    return 0;
  },
});
