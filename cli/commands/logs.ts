// `windlass logs SERVICE`: the logs of all its instances, merged.
import { parseDuration } from '#controllers/machinery/duration.ts';
import { systemClock } from '#platform/clock.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { followLogs, printLogs } from '../logs/service-logs.ts';
import { serviceOptions } from '../service-options.ts';
import { readService } from '../services.ts';
import { UsageError } from '../usage-error.ts';

export const logs = defineCommand({
  help: helpOf.logs,
  options: {
    follow: { type: 'boolean', short: 'f', help: 'Go on with what comes, until Ctrl-C' },
    tail: {
      type: 'string',
      placeholder: 'N',
      default: '100',
      help: 'Last lines of each instance, or all',
    },
    since: {
      type: 'string',
      placeholder: 'DURATION',
      help: 'Only what is younger, such as 10m or 1h30m',
    },
    timestamps: { type: 'boolean', short: 't', help: 'Print the time of each line' },
    ...serviceOptions,
    ...clientOptions,
  },
  words: ['SERVICE'],
  moreWords: true,
  async run(values, [service = '', ...instances], io) {
    const { namespace, timestamps } = values;
    const range = { tailLines: tailOf(values.tail), sinceSeconds: sinceOf(values.since) };
    const signal = io.stopSignal();
    await withClient(values, 'logs', async (client) => {
      await readService(client, namespace, service, signal);
      const shared = { client, clock: systemClock, random: Math.random, out: io.out, err: io.err };
      const options = { ...shared, namespace, service, instances, range, timestamps };
      const positions = await printLogs(options, signal);
      if (values.follow) await followLogs(options, positions, signal);
    });
    return 0;
  },
});

function tailOf(text: string): number | undefined {
  if (text === 'all') return undefined;
  if (!/^\d{1,9}$/.test(text))
    throw new UsageError(`--tail must be a whole number or all, found ${JSON.stringify(text)}`);
  return Number(text);
}

function sinceOf(text: string | undefined): number | undefined {
  const ms = text === undefined ? undefined : parseDuration(text);
  if (text !== undefined && (ms === undefined || ms === 0))
    throw new UsageError(
      `--since must be a duration such as 90s or 1h30m, found ${JSON.stringify(text)}`,
    );
  return ms === undefined ? undefined : Math.ceil(ms / 1000);
}
