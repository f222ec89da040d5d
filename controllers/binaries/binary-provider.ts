// How a host gets a binary: the contract between whoever upgrades hosts and whatever knows where binaries come from.

/** Knows how to acquire one binary for one host; made per host, and may close over what is known of it. */
export interface BinaryProvider {
  /** Whether the host's binary is another than the wanted one, as things are when it is called. */
  needsUpgrade(signal: AbortSignal): Promise<boolean>;
  /** Whether the bytes go from this machine to the host: then the limit for uploads counts too. */
  isUpload(): boolean;
  /**
   * Acquires the binary and answers with the path of a temporary file on the host; undefined when it is in its place already, and
   * nothing is to be replaced. What is installed is never touched.
   */
  stage(signal: AbortSignal): Promise<string | undefined>;
  /** Removes what `stage` made. Never throws: there is nothing to be done about it. */
  cleanUp(signal: AbortSignal): Promise<void>;
}

/** What a provider offers besides when staging needs the binary on this machine first. */
export interface BinaryCacher {
  /** The same for all who need the same bytes: `ensureCached` is called once per key. @throws Error when it cannot be told */
  binaryCacheKey(): string;
  /** Fetches the binary into the store unless it is there. */
  ensureCached(signal: AbortSignal): Promise<void>;
}

export function isBinaryCacher(
  provider: BinaryProvider | (BinaryProvider & BinaryCacher),
): provider is BinaryProvider & BinaryCacher {
  return 'binaryCacheKey' in provider && 'ensureCached' in provider;
}
