// Who the processes of a Compose service are, and what they may do.
import type { V1PodSpec, V1SecurityContext } from '@kubernetes/client-node';
import type { Field } from './field.ts';
import { textMap } from './texts.ts';

const ROOT: Readonly<Record<string, number>> = { root: 0 };

/** `1000`, `1000:1000`, `root`; undefined for names, which only the image can tell. */
export function userOf(
  field: Field,
): Pick<V1SecurityContext, 'runAsUser' | 'runAsGroup'> | undefined {
  const text = field.text();
  const [user = '', group, ...more] = text.split(':');
  if (more.length > 0 || user === '' || group === '' || /\s/.test(text))
    return field.fail(`'${text}' must be USER or USER:GROUP`);
  const numeric = (word: string): number | undefined =>
    ROOT[word] ?? (/^\d{1,10}$/.test(word) && Number(word) < 2 ** 31 ? Number(word) : undefined);
  const runAsUser = numeric(user);
  const runAsGroup = group === undefined ? undefined : numeric(group);
  if (runAsUser === undefined || (group !== undefined && runAsGroup === undefined))
    return undefined;
  return { runAsUser, ...(runAsGroup === undefined ? {} : { runAsGroup }) };
}

export function securityContextOf(service: Field): V1SecurityContext {
  const user = service.get('user');
  const add = words(service.get('cap_add'));
  const drop = words(service.get('cap_drop'));
  return {
    ...(user === undefined ? {} : userOf(user)),
    ...(service.get('privileged')?.boolean() === true ? { privileged: true } : {}),
    ...(service.get('read_only')?.boolean() === true ? { readOnlyRootFilesystem: true } : {}),
    ...(add.length + drop.length === 0
      ? {}
      : {
          capabilities: {
            ...(add.length === 0 ? {} : { add }),
            ...(drop.length === 0 ? {} : { drop }),
          },
        }),
    ...securityOptions(service),
  };
}

function securityOptions(
  service: Field,
): Pick<V1SecurityContext, 'allowPrivilegeEscalation' | 'appArmorProfile' | 'seccompProfile'> {
  const context: ReturnType<typeof securityOptions> = {};
  for (const item of service.get('security_opt')?.items() ?? []) {
    const text = item.text();
    if (/^no-new-privileges([:=]true)?$/.test(text)) context.allowPrivilegeEscalation = false;
    else if (/^seccomp[:=]unconfined$/.test(text)) context.seccompProfile = { type: 'Unconfined' };
    else if (/^apparmor[:=]unconfined$/.test(text))
      context.appArmorProfile = { type: 'Unconfined' };
    else item.warn(`'${text}' is not supported and ignored`);
  }
  return context;
}

/** What of it is of the whole Pod. */
export function podSecurityOf(service: Field): Partial<V1PodSpec> {
  const sysctls = Object.entries(textMap(service.get('sysctls')));
  const groups = (service.get('group_add')?.items() ?? []).map((item) =>
    item.integer(0, 2 ** 31 - 1),
  );
  const securityContext = {
    ...(sysctls.length === 0 ? {} : { sysctls: sysctls.map(([name, value]) => ({ name, value })) }),
    ...(groups.length === 0 ? {} : { supplementalGroups: groups }),
  };
  return {
    ...(isHost(service.get('pid'), 'each instance has its own processes') ? { hostPID: true } : {}),
    ...(isHost(service.get('ipc'), 'each instance has its own') ? { hostIPC: true } : {}),
    ...(isHost(service.get('network_mode'), 'services reach each other by name')
      ? { hostNetwork: true }
      : {}),
    ...(Object.keys(securityContext).length === 0 ? {} : { securityContext }),
  };
}

function isHost(field: Field | undefined, otherwise: string): boolean {
  const text = field?.text() ?? '';
  if (text === 'host') return true;
  if (!['', 'private', 'bridge', 'default'].includes(text))
    field?.warn(`'${text}' is not supported and ignored: ${otherwise}`);
  return false;
}

function words(field: Field | undefined): string[] {
  return (field?.items() ?? []).map((item) => item.text().toUpperCase().replace(/^CAP_/, ''));
}
