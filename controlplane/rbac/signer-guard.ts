// Who may approve and sign requests for certificates: the verbs `approve` and `sign` on the signer, whichever door the change comes by.
import { forbidden } from '../api/errors.ts';
import { listAt, stringAt } from '../api/fields.ts';
import type { KubernetesObject } from '../api/object.ts';
import type { ResourceDefinition } from '../api/resource.ts';
import type { UserInfo } from '../api/user.ts';
import { resourceAttributes } from '../identity/authorizer.ts';
import type { Authorizer } from '../identity/authorizer.ts';
import { MASTERS } from '../identity/union-authorizer.ts';
import { sameJSON } from '../registry/equality.ts';
import type { PrivilegeGuard } from '../registry/privileges.ts';

const GROUP = 'certificates.k8s.io';

export class SignerGuard implements PrivilegeGuard {
  readonly #authorizer: Authorizer;

  constructor(authorizer: Authorizer) {
    this.#authorizer = authorizer;
  }

  admit(
    definition: ResourceDefinition,
    object: KubernetesObject,
    old: KubernetesObject | undefined,
    user: UserInfo,
  ): void {
    if (definition.group !== GROUP || definition.resource !== 'certificatesigningrequests') return;
    if (old === undefined || user.groups.includes(MASTERS)) return;
    const signer = stringAt(object, 'spec', 'signerName');
    const need = (verb: string): void => {
      if (this.#may(user, verb, signer)) return;
      const why = `user not permitted to ${verb} requests with signerName ${JSON.stringify(signer)}`;
      throw forbidden(definition, object.metadata.name ?? '', why);
    };
    if (!sameJSON(verdictsOf(object, true), verdictsOf(old, true))) need('approve');
    const isSigned =
      stringAt(object, 'status', 'certificate') !== stringAt(old, 'status', 'certificate');
    if (isSigned || !sameJSON(verdictsOf(object, false), verdictsOf(old, false))) need('sign');
  }

  /** For one signer by name, or for all of its domain. */
  #may(user: UserInfo, verb: string, signer: string): boolean {
    const domain = signer.slice(0, signer.indexOf('/'));
    return [signer, `${domain}/*`].some((name) => {
      const asked = { verb, group: GROUP, resource: 'signers', name };
      return this.#authorizer.authorize(resourceAttributes(user, asked)).allowed;
    });
  }
}

/** The conditions of approval, or all others. */
function verdictsOf(object: KubernetesObject, areVerdicts: boolean): readonly unknown[] {
  return listAt(object, 'status', 'conditions').filter((condition) => {
    const type = stringAt(condition, 'type');
    return (type === 'Approved' || type === 'Denied') === areVerdicts;
  });
}
