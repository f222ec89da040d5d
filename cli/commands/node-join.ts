// `windlass node join URL --token …`: lets this machine into a cluster, and runs its node agent.
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { agentOptions, agentSettings, runAgentCommand } from '../node/agent-options.ts';
import { parseAuthorityHash, parseToken } from '../node/bootstrap-token.ts';
import type { BootstrapToken } from '../node/bootstrap-token.ts';
import { joinServer } from '../node/join-server.ts';
import { hasCertificate } from '../node/keep-certificate.ts';
import { UsageError } from '../usage-error.ts';

export const nodeJoin = defineCommand({
  help: helpOf.nodeJoin,
  words: ['URL'],
  options: {
    token: {
      type: 'string',
      placeholder: 'TOKEN',
      help: 'As windlass token create prints it; not needed once this machine has joined',
    },
    'ca-hash': {
      type: 'string',
      placeholder: 'sha256:HEX',
      help: 'Of the authority of the server, for a token without it',
    },
    ...agentOptions,
  },
  async run(values, [url = ''], io) {
    const server = URL.parse(url);
    if (server?.protocol !== 'https:' || server.username !== '' || server.search !== '')
      throw new UsageError(`URL must be one with https:, found ${JSON.stringify(url)}`);
    const { token: text, 'ca-hash': hashText } = values;
    const token = text === undefined ? undefined : parseToken(text);
    const hash = hashText === undefined ? undefined : parseAuthorityHash(hashText);
    const settings = agentSettings(values);
    return runAgentCommand(values, io, settings.joined, async (signal) => {
      if (await hasCertificate(settings.joined, systemClock)) return;
      const known = pinned(token, hash);
      const { nodeName, lifetimeSeconds, joined: file } = settings;
      const where = { server, nodeName, file, lifetimeSeconds };
      await joinServer({ ...where, ...known, clock: systemClock, ids: systemIds }, signal);
      io.err(`node ${nodeName} has joined ${server.origin}\n`);
    });
  },
});

/** @throws UsageError */
function pinned(
  token: BootstrapToken | undefined,
  hash: string | undefined,
): { readonly token: BootstrapToken; readonly authorityHash: string } {
  if (token === undefined)
    throw new UsageError(
      '--token is missing: this machine has not joined yet, or its certificate has ended; windlass token create on the server makes one',
    );
  if (hash !== undefined && token.authorityHash !== undefined && hash !== token.authorityHash)
    throw new UsageError('--ca-hash is not the hash in --token: leave one of them out');
  const authorityHash = hash ?? token.authorityHash;
  if (authorityHash === undefined)
    throw new UsageError(
      '--ca-hash is missing: without it, and without a token that has it, nobody knows whether it is the right server',
    );
  return { token, authorityHash };
}
