// `windlass certificates forget-authorities`: what a former authority signed counts no more.
import { systemClock } from '#platform/clock.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { confirm } from '../confirm.ts';
import {
  changeCertificates,
  jsonOption,
  showCertificates,
} from '../certificates/certificates-calls.ts';
import { clientOptions, withClient } from '../connect.ts';

export const certificatesForgetAuthorities = defineCommand({
  help: helpOf.certificatesForgetAuthorities,
  options: {
    ...jsonOption,
    yes: { type: 'boolean', short: 'y', help: 'Do not ask' },
    ...clientOptions,
  },
  async run(values, _words, io) {
    const signal = io.stopSignal();
    await confirm(
      {
        question: 'Lock out whoever has a certificate of a former authority?',
        action: 'Forgetting',
        isAgreed: values.yes,
      },
      io,
    );
    const answer = await withClient(values, 'certificates forget-authorities', (client) =>
      changeCertificates(client, 'forget-authorities', signal),
    );
    showCertificates(answer, values.json, io, systemClock.now());
    return 0;
  },
});
