// How a host is reached, as `spec.connection` of a Machine has it.

export interface SecretKey {
  /** A Secret of the same namespace. */
  readonly name: string;
  readonly key?: string;
}

export interface SshConnection {
  /** Absent: that of the node which its InfraProvider made. */
  readonly address?: string;
  /** Default 22. */
  readonly port?: number;
  /** Default `root`. */
  readonly user?: string;
  /** A private key; key of the Secret by default `ssh-privatekey`, a passphrase beside it in `passphrase`. */
  readonly keySecretRef?: SecretKey;
  /** Lines as of known_hosts or of a public key, or fingerprints `SHA256:…`; any of them may be shown by the host. */
  readonly hostKey?: string;
  /** The same in a Secret; key by default `known-hosts`. */
  readonly hostKeySecretRef?: SecretKey;
  /** Commands run as root through sudo; files too. */
  readonly sudo?: boolean;
  /** Where sudo asks for one; key by default `password`. */
  readonly sudoPasswordSecretRef?: SecretKey;
}

export interface HostConnection {
  readonly type: 'LocalDir' | 'SSH' | 'Sim';
  readonly localDir?: { readonly path: string };
  readonly ssh?: SshConnection;
  /** Name of the simulated machine; by default that of the Machine. */
  readonly sim?: { readonly name?: string };
}
