// `windlass persistence status`: what keeps the state and how it is doing; of a stopped server, where it stands.
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { instanceTable, troubleLines } from '../persistence/instance-rows.ts';
import { servedInstances } from '../persistence/log-source.ts';
import { isServed, jsonOption, persistenceOption, urlsOf } from '../persistence/places.ts';
import { stoppedInstances, stoppedTable } from '../persistence/stopped-instances.ts';

export const persistenceStatus = defineCommand({
  help: helpOf.persistenceStatus,
  options: { ...jsonOption, ...persistenceOption, ...clientOptions },
  async run(values, _words, io) {
    const signal = io.stopSignal();
    if (!isServed(values)) {
      const stopped = await stoppedInstances(urlsOf(values.persistence, values['data-dir']));
      const state = { isRunning: false, instances: stopped };
      io.out(values.json ? `${JSON.stringify(state)}\n` : stoppedTable(stopped));
      return stopped.every(({ exists }) => exists) ? 0 : 1;
    }
    return withClient(values, 'persistence status', async (client) => {
      const instances = await servedInstances(client, signal);
      if (values.json) io.out(`${JSON.stringify({ isRunning: true, instances })}\n`);
      else io.out(`${instanceTable(instances)}${troubleLines(instances)}`);
      return instances.every(({ status }) => status.state === 'Up') ? 0 : 1;
    });
  },
});
