// What can go wrong with infrastructure, by name: `reason` is the word that conditions and programs see.

/** Base of all below. Messages never hold credentials. */
export class InfrastructureError extends Error {
  /** One word in CamelCase, the name of the class. */
  readonly reason: string = 'InfrastructureError';
  override readonly name: string = 'InfrastructureError';
}

/** A cluster, or a choice of nodes, turned out empty where there should be some. */
export class NoNodes extends InfrastructureError {
  override readonly reason = 'NoNodes';
  override readonly name = 'NoNodes';

  constructor(cluster: string, detail = '') {
    super(`no nodes found for cluster ${JSON.stringify(cluster)}${detail}`);
  }
}

/** The other side cannot be asked, or the provider is not set up: nothing is known, nothing was done. Worth trying again. */
export class ProviderUnavailable extends InfrastructureError {
  override readonly reason = 'ProviderUnavailable';
  override readonly name = 'ProviderUnavailable';

  constructor(provider: string, why: string, cause?: unknown) {
    super(`provider ${provider} is not available: ${why}`, { cause });
  }
}

/** The other side answered, and does not accept who we say we are. */
export class CredentialsRefused extends InfrastructureError {
  override readonly reason = 'CredentialsRefused';
  override readonly name = 'CredentialsRefused';

  constructor(provider: string, why: string) {
    super(`provider ${provider} refused the credentials: ${why}; check spec.credentialsSecretRef`);
  }
}

export class ClusterNotFound extends InfrastructureError {
  override readonly reason = 'ClusterNotFound';
  override readonly name = 'ClusterNotFound';

  constructor(cluster: string, provider = '') {
    super(
      `cluster ${JSON.stringify(cluster)} not found${provider === '' ? '' : ` in provider ${provider}`}`,
    );
  }
}

export class UnknownLabelScheme extends InfrastructureError {
  override readonly reason = 'UnknownLabelScheme';
  override readonly name = 'UnknownLabelScheme';

  constructor(scheme: string, known: readonly string[]) {
    super(`unknown label scheme ${JSON.stringify(scheme)}: use one of ${known.join(', ')}`);
  }
}

/** Something of that name is there and does not carry our labels: it is left alone. */
export class NotOwned extends InfrastructureError {
  override readonly reason = 'NotOwned';
  override readonly name = 'NotOwned';

  constructor(what: string, why: string) {
    super(`${what} is not ours: ${why}; it was left alone`);
  }
}

/** A request that cannot be carried out as it is: the same request will get the same answer. */
export class InvalidRequest extends InfrastructureError {
  override readonly reason = 'InvalidRequest';
  override readonly name = 'InvalidRequest';
}

/** The provider has no way to do that. */
export class NotSupported extends InfrastructureError {
  override readonly reason = 'NotSupported';
  override readonly name = 'NotSupported';

  constructor(provider: string, what: string) {
    super(`provider ${provider} cannot ${what}`);
  }
}

/** One node was not done within its own deadline. */
export class NodeTimeout extends InfrastructureError {
  override readonly reason = 'NodeTimeout';
  override readonly name = 'NodeTimeout';

  constructor(node: string, milliseconds: number) {
    super(`node ${node}: not done within ${milliseconds / 1000} s`);
  }
}

/** After a start, what ran before does not run again. */
export class NotRestored extends InfrastructureError {
  override readonly reason = 'NotRestored';
  override readonly name = 'NotRestored';
}

/** Some nodes failed; the message names each. `errors` has them in order. */
export class NodesFailed extends InfrastructureError {
  override readonly reason = 'NodesFailed';
  override readonly name = 'NodesFailed';
  readonly errors: readonly Error[];

  constructor(message: string, errors: readonly Error[]) {
    super(message);
    this.errors = errors;
  }
}

/** Thrown by what is done for one item: nothing to do here, go on with the next without waiting. Never leaves `eachNode`. */
export class SkipAction extends InfrastructureError {
  override readonly reason = 'SkipAction';
  override readonly name = 'SkipAction';

  constructor(why = 'nothing to do') {
    super(why);
  }
}

/** The word for a condition, whatever was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof InfrastructureError ? error.reason : 'Error';
}
