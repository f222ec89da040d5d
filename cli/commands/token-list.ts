// `windlass token list`: the tokens by which machines may join, without their secrets.
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import { SECRETS } from '#controllers/machinery/resources.ts';
import { systemClock } from '#platform/clock.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { TOKEN_NAMESPACE, TOKEN_TYPE } from '../node/bootstrap-token.ts';
import { formatTable } from '../output.ts';

interface TokenSecret extends ApiObject {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

export const tokenList = defineCommand({
  help: helpOf.tokenList,
  options: { ...clientOptions },
  async run(values, _words, io) {
    const signal = io.stopSignal();
    return withClient(values, 'token list', async (client) => {
      const selectors = { namespace: TOKEN_NAMESPACE };
      const { items } = await client.list<TokenSecret>(SECRETS, selectors, signal);
      const rows = items.filter(({ type }) => type === TOKEN_TYPE).map(rowOf);
      if (rows.length === 0) io.err('there are no tokens; windlass token create makes one\n');
      else io.out(formatTable(['TOKEN', 'HOLDS', 'DESCRIPTION'], rows));
      return 0;
    });
  },
});

function rowOf({ data = {} }: TokenSecret): readonly string[] {
  const value = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString('utf8');
  const expires = value('expiration');
  const hasEnded = expires !== '' && !(Date.parse(expires) > systemClock.now());
  const holds = expires === '' ? 'for ever' : hasEnded ? `ended ${expires}` : `until ${expires}`;
  return [value('token-id'), holds, value('description')];
}
