// `windlass certificates status`: when the server's own certificates end.
import { systemClock } from '#platform/clock.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import {
  jsonOption,
  readCertificates,
  showCertificates,
} from '../certificates/certificates-calls.ts';
import { clientOptions, withClient } from '../connect.ts';

export const certificatesStatus = defineCommand({
  help: helpOf.certificatesStatus,
  options: { ...jsonOption, ...clientOptions },
  async run(values, _words, io) {
    const signal = io.stopSignal();
    const answer = await withClient(values, 'certificates status', (client) =>
      readCertificates(client, signal),
    );
    showCertificates(answer, values.json, io, systemClock.now());
    return 0;
  },
});
