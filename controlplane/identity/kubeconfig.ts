// Writes kubeconfig files with everything embedded, so that a copy of the file is all a client needs.
import type { KeyPair } from './issuer.ts';
import { writePrivateFile } from './pair-files.ts';

export interface KubeconfigContent {
  /** `https://127.0.0.1:6443` */
  readonly server: string;
  /** PEM. */
  readonly authorityCertificate: string;
  readonly user: string;
  readonly client: KeyPair;
}

/** The text of a kubeconfig whose one context is called `windlass`. */
export function kubeconfigText(content: KubeconfigContent): string {
  const embed = (pem: string): string => Buffer.from(pem).toString('base64');
  const quote = (text: string): string => JSON.stringify(text);
  return `apiVersion: v1
kind: Config
clusters:
  - name: windlass
    cluster:
      server: ${quote(content.server)}
      certificate-authority-data: ${embed(content.authorityCertificate)}
users:
  - name: ${quote(content.user)}
    user:
      client-certificate-data: ${embed(content.client.certificate)}
      client-key-data: ${embed(content.client.privateKey)}
contexts:
  - name: windlass
    context:
      cluster: windlass
      user: ${quote(content.user)}
current-context: windlass
preferences: {}
`;
}

/** Writes the file with mode 0600. */
export async function writeKubeconfig(file: string, content: KubeconfigContent): Promise<void> {
  await writePrivateFile(file, kubeconfigText(content));
}
