// `windlass artifact status`: what the server's Artifacts are at.
import type { Artifact } from '#controllers/artifact/types.ts';
import { ARTIFACTS } from '#controllers/machinery/resources.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { sizeText } from '../image/size-text.ts';
import { formatTable } from '../output.ts';
import { jsonOption } from '../persistence/places.ts';

export const artifactStatus = defineCommand({
  help: helpOf.artifactStatus,
  options: {
    namespace: {
      type: 'string',
      short: 'n',
      placeholder: 'NAME',
      help: 'Only those of this namespace (default: all)',
    },
    ...jsonOption,
    ...clientOptions,
  },
  async run(values, _words, io) {
    const signal = io.stopSignal();
    const { namespace } = values;
    const { items } = await withClient(values, 'artifact status', (client) =>
      client.list<Artifact>(ARTIFACTS, namespace === undefined ? {} : { namespace }, signal),
    );
    const isReady = ({ status }: Artifact): boolean => readyOf(status)?.status === 'True';
    const exitCode = items.every(isReady) ? 0 : 1;
    if (values.json) {
      io.out(
        `${JSON.stringify(items.map(({ metadata, status }) => ({ namespace: metadata.namespace, name: metadata.name, ...status })))}\n`,
      );
      return exitCode;
    }
    if (items.length === 0) io.out('there are no Artifacts\n');
    else io.out(formatTable(HEADER, items.map(rowOf)));
    for (const artifact of items) {
      if (isReady(artifact)) continue;
      const { metadata, status } = artifact;
      const ready = readyOf(status);
      const why =
        ready === undefined
          ? 'no controller has looked at it yet'
          : `${ready.reason}: ${ready.message}`;
      io.out(`\n${metadata.namespace}/${metadata.name}: ${why}\n`);
    }
    return exitCode;
  },
});

const HEADER = ['NAMESPACE', 'NAME', 'VERSION', 'READY', 'SIZE', 'DIGEST', 'SOURCE'];

function readyOf(status: Artifact['status']) {
  return status?.conditions?.find(({ type }) => type === 'Ready');
}

function rowOf({ metadata, spec, status = {} }: Artifact): readonly string[] {
  const { progress, size, digest = '', source = '' } = status;
  const total = progress?.total;
  const coming =
    progress === undefined
      ? ''
      : `${sizeText(progress.bytes)}${total === undefined ? '' : ` of ${sizeText(total)}`}`;
  return [
    metadata.namespace ?? '',
    metadata.name,
    spec.version ?? '',
    readyOf(status)?.status ?? 'Unknown',
    progress === undefined ? (size === undefined ? '' : sizeText(size)) : coming,
    digest.slice(0, 'sha256:'.length + 12),
    source,
  ];
}
