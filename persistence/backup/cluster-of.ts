// Which cluster a claim is of.

/** @param value of a record of kind windlass/claims; undefined for what is none */
export function clusterOf(value: Uint8Array | undefined): string | undefined {
  if (value === undefined) return undefined;
  try {
    const { cluster } = JSON.parse(Buffer.from(value).toString()) as { readonly cluster?: unknown };
    return typeof cluster === 'string' ? cluster : undefined;
  } catch {
    return undefined;
  }
}
