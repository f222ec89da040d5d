// `windlass machine preflight NAME`: has a machine checked now, and shows all that was found. Nothing is changed on its host.
import { OPERATION_ANNOTATION } from '#controllers/machine/types.ts';
import { MACHINES } from '#controllers/machinery/resources.ts';
import { sleep, systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { machineOptions, readMachine } from '../machine/machine-calls.ts';
import { formatTable } from '../output.ts';

const POLL_MS = 300;

export const machinePreflight = defineCommand({
  help: helpOf.machinePreflight,
  options: {
    ...machineOptions,
    all: { type: 'boolean', help: 'Show checks that found nothing too' },
    ...clientOptions,
  },
  words: ['NAME'],
  async run(values, [name = ''], io) {
    const signal = io.stopSignal();
    const { namespace } = values;
    return withClient(values, 'machine preflight', async (client) => {
      await readMachine(client, namespace, name, signal);
      const uid = systemIds.uuid();
      const annotations = { [OPERATION_ANNOTATION]: `${uid}/Preflight` };
      await client.patch(
        MACHINES,
        namespace,
        name,
        '',
        'merge',
        { metadata: { annotations } },
        signal,
      );
      for (;;) {
        // Asked again until it was answered.
        const { status } = await readMachine(client, namespace, name, signal);
        const { operation, preflight } = status ?? {};
        const isOver = operation?.phase === 'Complete' || operation?.phase === 'Failed';
        if (operation?.uid === uid && isOver) {
          const shown = (preflight?.checks ?? []).filter(
            ({ severity }) => values.all || severity !== 'ok',
          );
          const rows = shown.map((check) => [
            check.ignored === true ? 'ignored' : check.severity,
            check.name,
            check.target,
            check.message,
          ]);
          if (rows.length > 0)
            io.out(formatTable(['SEVERITY', 'CHECK', 'TARGET', 'MESSAGE'], rows));
          io.out(`${preflight?.summary ?? operation.message ?? ''}\n`);
          return operation.phase === 'Complete' ? 0 : 1;
        }
        await sleep(systemClock, POLL_MS, signal);
      }
    });
  },
});
