// Tests that need something of the machine (a Docker Engine, kubectl). Without it they are skipped by name; where CI is set,
// the machine was prepared for them and its lack is a failure.

/** Options of a test: skipped with the reason, unless in CI. @throws Error in CI */
export function needs(missing: string | undefined): { readonly skip: string | false } {
  if (missing === undefined) return { skip: false };
  const ci = process.env['CI'];
  if (ci !== undefined && ci !== '' && ci !== 'false')
    throw new Error(`CI is set and this machine lacks a part: ${missing}`);
  return { skip: missing };
}
