// `windlass persistence log`: the changes that an instance still knows, oldest first.
import type { LogRecord } from '#persistence/provider.ts';
import { terminalJSON, terminalLine } from '#platform/terminal-text.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions } from '../connect.ts';
import { jsonOption, kindOf } from '../persistence/places.ts';
import { fromOption, withSources } from '../persistence/with-source.ts';

export const persistenceLog = defineCommand({
  help: helpOf.persistenceLog,
  options: {
    after: {
      type: 'integer',
      placeholder: 'REVISION',
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      help: 'Only what came after this resourceVersion (default: all that is known)',
    },
    kind: { type: 'string', placeholder: 'KIND', help: 'Only of this kind, as core/pods' },
    ...fromOption,
    ...jsonOption,
    ...clientOptions,
  },
  run(values, _words, io) {
    const signal = io.stopSignal();
    const { after } = values;
    const kind = values.kind === undefined ? undefined : kindOf(values.kind, '--kind');
    return withSources(values, 'persistence log', [values.from], signal, async ([source]) => {
      const dump = await source?.dump(
        { ...(after === undefined ? {} : { after }), ...(kind === undefined ? {} : { kind }) },
        signal,
      );
      if (dump === undefined) return 1;
      if (after !== undefined && after < dump.compacted && !values.json)
        io.err(
          `history reaches back to revision ${dump.compacted}; before it only what still exists is shown\n`,
        );
      for await (const records of dump.records)
        io.out(
          records.map((record) => (values.json ? jsonLine(record) : textLine(record))).join(''),
        );
      return 0;
    });
  },
});

function textLine({ revision, kind, key, value }: LogRecord): string {
  const change = value === undefined ? 'delete' : `put    ${value.byteLength} B`;
  return `${String(revision).padStart(10)}  ${terminalLine(`${kind} ${key}`)}  ${change}\n`;
}

function jsonLine({ revision, kind, key, value }: LogRecord): string {
  const change = value === undefined ? { deleted: true } : { bytes: value.byteLength };
  return `${terminalJSON(JSON.stringify({ revision, kind, key, ...change }))}\n`;
}
