// `windlass version`.
import { gitVersionOf } from '#platform/kubernetes-version.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { programVersion } from '../versions.ts';

export const version = defineCommand({
  help: helpOf.version,
  options: {},
  run(_values, _words, io) {
    io.out(
      `windlass ${programVersion()}\nkubernetes ${gitVersionOf(programVersion())}\nnode ${process.version}\n`,
    );
    return Promise.resolve(0);
  },
});
