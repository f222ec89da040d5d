// `x-pre_deploy` and `x-post_deploy`: commands that run once, in an instance of their own, before and after a rollout.
import type { Hook, HookName } from '#controllers/service/types.ts';
import { entrypointOf } from './container.ts';
import type { Field } from './field.ts';
import { userOf } from './security.ts';
import { entriesOf } from './texts.ts';
import { durationText } from './units.ts';
import { literal } from '../spec/container-of-spec.ts';
import { commandWords } from './words.ts';

const KEYS = ['command', 'entrypoint', 'environment', 'privileged', 'timeout', 'user'];
const NAMES: Readonly<Record<HookName, string>> = {
  preDeploy: 'x-pre_deploy',
  postDeploy: 'x-post_deploy',
};

/** @param entrypoint of the service, where it has one of its own: the hook's command follows it, as the service's does */
export function hooksOf(
  service: Field,
  entrypoint: readonly string[] | undefined,
  variables: Readonly<Record<string, string | undefined>>,
): { readonly [name in HookName]?: Hook } | undefined {
  const hooks = (['preDeploy', 'postDeploy'] as const).flatMap((name) => {
    const section = service.get(NAMES[name]);
    return section === undefined ? [] : [[name, hookOf(section, entrypoint, variables)] as const];
  });
  return hooks.length === 0 ? undefined : Object.fromEntries(hooks);
}

function hookOf(
  section: Field,
  entrypoint: readonly string[] | undefined,
  variables: Readonly<Record<string, string | undefined>>,
): Hook {
  for (const [key, field] of section.entries())
    if (!KEYS.includes(key) && !key.startsWith('x-')) field.warn('unknown, and ignored');
  const command = section.get('command') ?? section.fail("missing required attribute 'command'");
  const args = commandWords(command);
  if (args.length === 0)
    command.fail("missing required attribute 'command': pre-deploy hook command is required");
  const env = entriesOf(section.get('environment')).flatMap(([name, given]) => {
    const value = given ?? variables[name];
    return name === '' || value === undefined ? [] : [{ name, value: literal(value) }];
  });
  const user = section.get('user');
  const privileged = section.get('privileged')?.boolean();
  const securityContext = {
    ...(user === undefined
      ? {}
      : (userOf(user) ?? user.fail(`'${user.text()}' must be numbers, UID or UID:GID, in a hook`))),
    ...(privileged === undefined ? {} : { privileged }),
  };
  const timeout = section.get('timeout')?.duration();
  return {
    ...programOf(entrypointOf(section) ?? entrypoint, args),
    ...(env.length === 0 ? {} : { env }),
    ...(timeout === undefined ? {} : { timeout: durationText(timeout) }),
    ...(Object.keys(securityContext).length === 0 ? {} : { securityContext }),
  };
}

/** As for the service: an entrypoint that is taken away leaves the command to be the program. */
function programOf(
  entrypoint: readonly string[] | undefined,
  words: readonly string[],
): Pick<Hook, 'command' | 'args'> {
  if (entrypoint?.length === 0) return { command: words };
  return { ...(entrypoint === undefined ? {} : { command: entrypoint }), args: words };
}
