// `windlass token create`: prints a token by which machines may join, and on standard error how.
import { parseDuration } from '#controllers/machinery/duration.ts';
import { loadConnection } from '#controllers/machinery/kubeconfig.ts';
import { SECRETS } from '#controllers/machinery/resources.ts';
import { timestamp } from '#controllers/machinery/timestamps.ts';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, kubeconfigOf, withClient } from '../connect.ts';
import { authorityHash, newToken, TOKEN_NAMESPACE, tokenSecret } from '../node/bootstrap-token.ts';
import { CommandError, UsageError } from '../usage-error.ts';

const LOOPBACK = /^https:\/\/(127\.|localhost[:/]|\[::1\])/;

export const tokenCreate = defineCommand({
  help: helpOf.tokenCreate,
  options: {
    ttl: {
      type: 'string',
      placeholder: 'DURATION',
      default: '24h',
      help: 'How long machines may join with it; 0 for ever',
    },
    description: { type: 'string', placeholder: 'TEXT', help: 'What it is for' },
    ...clientOptions,
  },
  async run(values, _words, io) {
    const ttlMs = values.ttl === '0' ? 0 : parseDuration(values.ttl);
    if (ttlMs === undefined || (ttlMs < 1000 && values.ttl !== '0'))
      throw new UsageError(
        `--ttl must be a duration such as 24h, or 0, found ${JSON.stringify(values.ttl)}`,
      );
    const { tls, server } = await loadConnection(kubeconfigOf(values));
    if (typeof tls.ca !== 'string' && !Buffer.isBuffer(tls.ca))
      throw new CommandError(
        'the kubeconfig names no certificate authority: machines could not tell the server by it',
        'Use admin.kubeconfig of the data directory.',
      );
    const hash = authorityHash(tls.ca);
    const token = newToken(systemIds);
    const expires = ttlMs === 0 ? undefined : timestamp(systemClock.now() + ttlMs);
    const signal = io.stopSignal();
    return withClient(values, 'token create', async (client) => {
      const secret = tokenSecret(token, expires, values.description);
      await client.create(SECRETS, TOKEN_NAMESPACE, secret, signal);
      const text = `${token.id}.${token.secret}.${hash}`;
      io.out(`${text}\n`);
      const until = expires === undefined ? 'until it is deleted' : `until ${expires}`;
      const url = server.href.replace(/\/$/, '');
      io.err(`Who has it may join nodes ${until}. On the machine that joins:\n`);
      io.err(`  windlass node join ${url} --token ${text}\n`);
      if (LOOPBACK.test(`${url}/`))
        io.err(`${url} leads other machines to themselves: start the server with --bind.\n`);
      return 0;
    });
  },
});
