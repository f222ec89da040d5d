// `windlass persistence cat KIND KEY`: one stored object as it lies there. What is sealed stays so.
import { terminalJSON } from '#platform/terminal-text.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions } from '../connect.ts';
import { jsonOption, kindOf } from '../persistence/places.ts';
import { fromOption, withSources } from '../persistence/with-source.ts';
import { CommandError } from '../usage-error.ts';

export const persistenceCat = defineCommand({
  help: helpOf.persistenceCat,
  options: { ...fromOption, ...jsonOption, ...clientOptions },
  words: ['KIND', 'KEY'],
  run(values, [word = '', key = ''], io) {
    const signal = io.stopSignal();
    const kind = kindOf(word, 'KIND');
    return withSources(values, 'persistence cat', [values.from], signal, async ([source]) => {
      const dump = await source?.dump({ kind, key }, signal);
      let found: { readonly revision: number; readonly value?: Uint8Array } | undefined;
      for await (const records of dump?.records ?? []) found = records.at(-1) ?? found;
      if (found?.value === undefined)
        throw new CommandError(
          `${source?.location ?? ''} holds no ${kind} ${key}`,
          'KIND is GROUP/PLURAL, as core/pods or windlass.dev/services; KEY is NAMESPACE/NAME or NAME.',
        );
      const text = Buffer.from(found.value).toString('utf8');
      const object = parsed(text);
      if (object === undefined)
        throw new CommandError(
          `${kind} ${key} is sealed; what is in it is shown by the server alone`,
          'Ask for it with kubectl get.',
        );
      const shown = values.json ? text : JSON.stringify(object, undefined, 2);
      io.out(`${terminalJSON(shown)}\n`);
      return 0;
    });
  },
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
