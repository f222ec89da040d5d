// `windlass check`: verifies the state of a stopped server, every instance of it.
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { dataDirectoryAt, servingPid } from '../data-directory.ts';
import { checkPlaces } from '../persistence/check-places.ts';
import { jsonOption, persistenceOption, urlsOf } from '../persistence/places.ts';
import { CommandError } from '../usage-error.ts';

export const check = defineCommand({
  help: helpOf.check,
  options: {
    ...persistenceOption,
    'data-dir': {
      type: 'string',
      placeholder: 'DIR',
      default: '.windlass',
      help: 'Data directory of the stopped server',
    },
    ...jsonOption,
  },
  run(values, _words, io) {
    const pid = servingPid(dataDirectoryAt(values['data-dir']));
    if (values.persistence.length === 0 && pid !== undefined)
      throw new CommandError(
        `process ${pid} serves ${values['data-dir']}`,
        'Run windlass persistence verify instead, which asks the server, or stop it first.',
      );
    const urls = urlsOf(values.persistence, values['data-dir']);
    return checkPlaces(urls, io, values.json, io.stopSignal());
  },
});
