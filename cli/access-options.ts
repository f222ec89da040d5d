// Flags of `up` about who may come in. Spelled as those of kube-apiserver.
import type { OptionTable, OptionValues } from './options.ts';
import { UsageError } from './usage-error.ts';

export const accessOptions = {
  'token-auth-file': {
    type: 'string',
    placeholder: 'FILE',
    help: 'CSV of fixed tokens: token,user,uid,"group,group"',
  },
  'service-account-issuer': {
    type: 'string',
    placeholder: 'URL',
    default: 'https://kubernetes.default.svc',
    help: 'Issuer in tokens of service accounts; others find the keys there',
  },
} as const satisfies OptionTable;

export interface AuthenticationSettings {
  readonly tokenAuthFile?: string;
  readonly serviceAccountIssuer: string;
}

/** @throws UsageError for values that no run could use */
export function authenticationOf(
  values: OptionValues<typeof accessOptions>,
): AuthenticationSettings {
  const issuer = values['service-account-issuer'];
  if (!URL.canParse(issuer) || new URL(issuer).protocol !== 'https:')
    throw new UsageError(
      `--service-account-issuer must be an https URL, found ${JSON.stringify(issuer)}`,
    );
  const file = values['token-auth-file'];
  return { serviceAccountIssuer: issuer, ...(file === undefined ? {} : { tokenAuthFile: file }) };
}
