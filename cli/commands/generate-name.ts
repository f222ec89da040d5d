// `windlass generate-name IMAGE`: the name that `windlass run` would choose.
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { randomSuffix, serviceNameOf } from '../run/service-name.ts';

export const generateName = defineCommand({
  help: helpOf.generateName,
  options: {},
  words: ['IMAGE'],
  run: (_values, [image = ''], io) => {
    io.out(`${serviceNameOf(image, randomSuffix())}\n`);
    return Promise.resolve(0);
  },
});
