// `windlass certificates status|renew|rotate-authority|forget-authorities`: each shows how the server's own certificates are then.
import { systemClock } from '#platform/clock.ts';
import { defineCommand } from '../command.ts';
import type { Command } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { confirm } from '../confirm.ts';
import { clientOptions, withClient } from '../connect.ts';
import type { CommandHelp } from '../help.ts';
import { jsonOption } from '../json-option.ts';
import { changeCertificates, readCertificates, showCertificates } from './certificates-calls.ts';
import type { CertificatesAnswer } from './certificates-calls.ts';

type Ask = (...of: Parameters<typeof readCertificates>) => Promise<CertificatesAnswer>;

const options = { ...jsonOption, ...clientOptions };

export const certificatesStatus = simple(helpOf.certificatesStatus, readCertificates);
export const certificatesRenew = simple(helpOf.certificatesRenew, (client, signal) =>
  changeCertificates(client, 'renew', signal),
);
export const certificatesRotateAuthority = simple(
  helpOf.certificatesRotateAuthority,
  (client, signal) => changeCertificates(client, 'rotate-authority', signal),
);

export const certificatesForgetAuthorities = defineCommand({
  help: helpOf.certificatesForgetAuthorities,
  options: {
    ...jsonOption,
    yes: { type: 'boolean', short: 'y', help: 'Do not ask' },
    ...clientOptions,
  },
  async run(values, _words, io) {
    const signal = io.stopSignal();
    const question = 'Lock out whoever has a certificate of a former authority?';
    await confirm({ question, action: 'Forgetting', isAgreed: values.yes }, io);
    const { usage } = helpOf.certificatesForgetAuthorities;
    const answer = await withClient(values, usage, (client) =>
      changeCertificates(client, 'forget-authorities', signal),
    );
    showCertificates(answer, values.json, io, systemClock.now());
    return 0;
  },
});

function simple(help: CommandHelp, ask: Ask): Command {
  return defineCommand({
    help,
    options,
    async run(values, _words, io) {
      const signal = io.stopSignal();
      const answer = await withClient(values, help.usage, (client) => ask(client, signal));
      showCertificates(answer, values.json, io, systemClock.now());
      return 0;
    },
  });
}
