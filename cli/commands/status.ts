// `windlass status`: does the server run, where, what does it hold, and what keeps that. Exit code 1 when it does not answer or
// does not take writes.
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import type { HttpClient } from '#controllers/machinery/client.ts';
import { NODES, SERVICES } from '#controllers/machinery/resources.ts';
import { defineCommand } from '../command.ts';
import type { CommandIO } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, kubeconfigOf, withClient } from '../connect.ts';
import { dataDirectoryAt, servingPid } from '../data-directory.ts';
import type { DataDirectory } from '../data-directory.ts';
import { formatTable } from '../output.ts';
import { instanceTable, troubleLines } from '../persistence/instance-rows.ts';
import { servedInstances } from '../persistence/log-source.ts';
import { jsonOption, persistenceOption, urlsOf } from '../persistence/places.ts';
import { stoppedInstances, stoppedTable } from '../persistence/stopped-instances.ts';
import type { ServiceObject } from '../revisions.ts';
import { CommandError } from '../usage-error.ts';
import { existsSync } from 'node:fs';

type NodeObject = ApiObject & {
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
};

export const status = defineCommand({
  help: helpOf.status,
  options: { ...jsonOption, ...persistenceOption, ...clientOptions },
  async run(values, _words, io) {
    const signal = io.stopSignal();
    const directory = dataDirectoryAt(values['data-dir']);
    const pid = servingPid(directory);
    // A kubeconfig that was named may be of a server elsewhere; the default one is of the server here.
    if (values.kubeconfig === undefined && pid === undefined)
      return stopped(directory, urlsOf(values.persistence, values['data-dir']), values.json, io);
    const answer = await withClient(values, 'status', (client) => ask(client, signal));
    const server = {
      version: answer.version.gitVersion ?? 'unknown version',
      kubeconfig: kubeconfigOf(values),
      ...(values.kubeconfig === undefined && pid !== undefined ? { pid } : {}),
    };
    io.out(values.json ? jsonOf(server, answer) : textOf(server, answer));
    const primary = answer.instances.find(({ spec }) => spec.role === 'Primary');
    return primary === undefined || primary.status.status ? 0 : 1;
  },
});

type Answer = Awaited<ReturnType<typeof ask>>;

async function ask(client: HttpClient, signal: AbortSignal) {
  const nodes = await client.list<NodeObject>(NODES, {}, signal);
  return {
    version: (await client.getPath('/version', signal)) as { readonly gitVersion?: string },
    nodes: nodes.items.length,
    readyNodes: nodes.items.filter(isReady).length,
    services: (await client.list<ServiceObject>(SERVICES, {}, signal)).items.map((service) => ({
      namespace: service.metadata.namespace ?? '',
      name: service.metadata.name,
      ready: service.status?.readyReplicas ?? 0,
      desired: service.status?.desiredReplicas ?? 0,
    })),
    instances: await servedInstances(client, signal),
  };
}

interface Server {
  readonly version: string;
  readonly kubeconfig: string;
  readonly pid?: number;
}

function jsonOf(server: Server, { nodes, readyNodes, services, instances }: Answer): string {
  const persistence = { instances };
  return `${JSON.stringify({ isRunning: true, server, nodes: { count: nodes, ready: readyNodes }, services, persistence })}\n`;
}

function textOf(server: Server, { nodes, readyNodes, services, instances }: Answer): string {
  const process = server.pid === undefined ? '' : `, process ${server.pid}`;
  const rows = services.map(({ namespace, name, ready, desired }) => [
    namespace,
    name,
    `${ready}/${desired}`,
  ]);
  return [
    `server      ${server.version}${process}\n`,
    `kubeconfig  ${server.kubeconfig}\n`,
    `nodes       ${readyNodes} of ${nodes} ready\n`,
    `services    ${services.length}\n`,
    `\n${instanceTable(instances)}${troubleLines(instances)}`,
    rows.length === 0 ? '' : `\n${formatTable(['NAMESPACE', 'SERVICE', 'READY'], rows)}`,
  ].join('');
}

async function stopped(
  directory: DataDirectory,
  urls: readonly string[],
  isJSON: boolean,
  io: CommandIO,
): Promise<number> {
  const next = 'npm start starts one; --data-dir or --kubeconfig name another.';
  if (!existsSync(directory.path))
    throw new CommandError(`no server runs on ${directory.path}`, next);
  const instances = await stoppedInstances(urls);
  if (isJSON) io.out(`${JSON.stringify({ isRunning: false, persistence: { instances } })}\n`);
  else {
    io.out(stoppedTable(instances));
    io.err(`windlass: no server runs on ${directory.path}\n${next}\n`);
  }
  return 1;
}

function isReady({ status: found }: NodeObject): boolean {
  return found?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') ?? false;
}
