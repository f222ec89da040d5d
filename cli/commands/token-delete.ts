// `windlass token delete ID`: nobody joins with it any more; nodes that did stay.
import { isNotFound } from '#controllers/machinery/request-error.ts';
import { SECRETS } from '#controllers/machinery/resources.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { TOKEN_NAMESPACE, tokenName } from '../node/bootstrap-token.ts';
import { CommandError, UsageError } from '../usage-error.ts';

export const tokenDelete = defineCommand({
  help: helpOf.tokenDelete,
  words: ['ID'],
  options: { ...clientOptions },
  async run(values, [word = ''], io) {
    // The whole token is fine too; its secret is not repeated.
    const id = word.split('.')[0] ?? '';
    if (!/^[a-z0-9]{6}$/.test(id))
      throw new UsageError('ID must be the 6 characters before the first dot of a token');
    const signal = io.stopSignal();
    return withClient(values, 'token delete', async (client) => {
      try {
        await client.delete(SECRETS, TOKEN_NAMESPACE, tokenName(id), {}, signal);
      } catch (error) {
        if (!isNotFound(error)) throw error;
        throw new CommandError(`there is no token ${id}`, 'windlass token list shows all.', {
          cause: error,
        });
      }
      io.out(`token ${id} deleted\n`);
      return 0;
    });
  },
});
