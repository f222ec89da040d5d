// `windlass certificates rotate-authority`: another authority, which whoever knows only the former one believes, too.
import { systemClock } from '#platform/clock.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import {
  changeCertificates,
  jsonOption,
  showCertificates,
} from '../certificates/certificates-calls.ts';
import { clientOptions, withClient } from '../connect.ts';

export const certificatesRotateAuthority = defineCommand({
  help: helpOf.certificatesRotateAuthority,
  options: { ...jsonOption, ...clientOptions },
  async run(values, _words, io) {
    const signal = io.stopSignal();
    const answer = await withClient(values, 'certificates rotate-authority', (client) =>
      changeCertificates(client, 'rotate-authority', signal),
    );
    showCertificates(answer, values.json, io, systemClock.now());
    return 0;
  },
});
