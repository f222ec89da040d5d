// What the level `restricted` asks for beyond `baseline`, by upstream's Pod Security Standards.
import { isObject, listAt, stringAt } from '#controlplane/api/fields.ts';
import type { SecurityCheck } from './check.ts';
import { containersText, plural, quoted, settersText, sorted } from './security-pod.ts';
import type { SecurityContainer, SecurityPod } from './security-pod.ts';

/** From here on, Pods that say that they are for Windows need nothing that only Linux has. */
const WINDOWS_SINCE = 25;

const VOLUME_TYPES: ReadonlySet<string> = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);

function isForWindows({ spec }: SecurityPod, minor: number): boolean {
  return minor >= WINDOWS_SINCE && stringAt(spec, 'os', 'name') === 'windows';
}

const MAY_ADD = 'NET_BIND_SERVICE';

function typeOf(volume: unknown): string {
  return isObject(volume) ? (Object.keys(volume).find((key) => key !== 'name') ?? '') : '';
}

function profileOf(owner: unknown): string {
  return stringAt(owner, 'seccompProfile', 'type');
}

const isGoodProfile = (type: string): boolean => type === 'RuntimeDefault' || type === 'Localhost';

/** In the order of upstream's identifiers, in which they are told. */
export const RESTRICTED_CHECKS: readonly SecurityCheck[] = [
  {
    id: 'allowPrivilegeEscalation',
    since: 8,
    run(pod, minor) {
      if (isForWindows(pod, minor)) return undefined;
      const bad = pod.containers.filter(
        ({ context }) => context['allowPrivilegeEscalation'] !== false,
      );
      if (bad.length === 0) return undefined;
      return {
        reason: 'allowPrivilegeEscalation != false',
        detail: `${containersText(bad)} must set securityContext.allowPrivilegeEscalation=false`,
      };
    },
  },
  {
    id: 'capabilities_restricted',
    since: 22,
    replaces: ['capabilities_baseline'],
    run(pod, minor) {
      if (isForWindows(pod, minor)) return undefined;
      const listed = ({ context }: SecurityContainer, list: string): string[] =>
        listAt(context, 'capabilities', list).map(String);
      const keeping = pod.containers.filter((one) => !listed(one, 'drop').includes('ALL'));
      const forbidden = (one: SecurityContainer): string[] =>
        listed(one, 'add').filter((name) => name !== MAY_ADD);
      const adding = pod.containers.filter((one) => forbidden(one).length > 0);
      const details: string[] = [];
      if (keeping.length > 0) {
        const must = 'must set securityContext.capabilities.drop=["ALL"]';
        details.push(`${containersText(keeping)} ${must}`);
      }
      if (adding.length > 0) {
        const names = quoted(sorted(adding.flatMap(forbidden)));
        const where = 'in securityContext.capabilities.add';
        details.push(`${containersText(adding)} must not include ${names} ${where}`);
      }
      if (details.length === 0) return undefined;
      return { reason: 'unrestricted capabilities', detail: details.join('; ') };
    },
  },
  {
    id: 'restrictedVolumes',
    replaces: ['hostPathVolumes'],
    run({ spec }) {
      const bad = listAt(spec, 'volumes').filter((volume) => !VOLUME_TYPES.has(typeOf(volume)));
      if (bad.length === 0) return undefined;
      const types = sorted(bad.map(typeOf));
      const names = bad.map((volume) => stringAt(volume, 'name'));
      const verb = bad.length === 1 ? 'uses' : 'use';
      return {
        reason: 'restricted volume types',
        detail: `${plural(bad.length, 'volume')} ${quoted(names)} ${verb} ${plural(types.length, 'restricted volume type')} ${quoted(types)}`,
      };
    },
  },
  {
    id: 'runAsNonRoot',
    run({ context, containers }) {
      const setters = settersText(
        context['runAsNonRoot'] === false,
        containers.filter((one) => one.context['runAsNonRoot'] === false),
      );
      const reason = 'runAsNonRoot != true';
      if (setters !== '') {
        return { reason, detail: `${setters} must not set securityContext.runAsNonRoot=false` };
      }
      if (context['runAsNonRoot'] === true) return undefined;
      const silent = containers.filter((one) => one.context['runAsNonRoot'] !== true);
      if (silent.length === 0) return undefined;
      const detail = `pod or ${containersText(silent)} must set securityContext.runAsNonRoot=true`;
      return { reason, detail };
    },
  },
  {
    id: 'runAsUser',
    since: 23,
    run({ context, containers }) {
      const setters = settersText(
        context['runAsUser'] === 0,
        containers.filter((one) => one.context['runAsUser'] === 0),
      );
      if (setters === '') return undefined;
      return { reason: 'runAsUser=0', detail: `${setters} must not set runAsUser=0` };
    },
  },
  {
    id: 'seccompProfile_restricted',
    since: 19,
    replaces: ['seccompProfile_baseline'],
    run(pod, minor) {
      if (isForWindows(pod, minor)) return undefined;
      const { context, containers } = pod;
      const reason = 'seccompProfile';
      const isBad = (owner: unknown): boolean =>
        profileOf(owner) !== '' && !isGoodProfile(profileOf(owner));
      const bad = containers.filter((one) => isBad(one.context));
      const setters = settersText(isBad(context), bad);
      if (setters !== '') {
        const owners = [...(isBad(context) ? [context] : []), ...bad.map((one) => one.context)];
        const types = quoted(sorted(owners.map(profileOf)));
        const detail = `${setters} must not set securityContext.seccompProfile.type to ${types}`;
        return { reason, detail };
      }
      if (profileOf(context) !== '') return undefined;
      const silent = containers.filter((one) => profileOf(one.context) === '');
      if (silent.length === 0) return undefined;
      const must =
        'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"';
      return { reason, detail: `pod or ${containersText(silent)} ${must}` };
    },
  },
];
