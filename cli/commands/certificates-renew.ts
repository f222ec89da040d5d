// `windlass certificates renew`: new keys and certificates for the server and its kubeconfig files.
import { systemClock } from '#platform/clock.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import {
  changeCertificates,
  jsonOption,
  showCertificates,
} from '../certificates/certificates-calls.ts';
import { clientOptions, withClient } from '../connect.ts';

export const certificatesRenew = defineCommand({
  help: helpOf.certificatesRenew,
  options: { ...jsonOption, ...clientOptions },
  async run(values, _words, io) {
    const signal = io.stopSignal();
    const answer = await withClient(values, 'certificates renew', (client) =>
      changeCertificates(client, 'renew', signal),
    );
    showCertificates(answer, values.json, io, systemClock.now());
    return 0;
  },
});
