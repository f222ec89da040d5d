// Whether servers of Windlass that are started with these flags keep their state in one place: then one of them serves, and the others
// stand by until it ends. Pure.

const SHARED = /^(nfs:|s3:)/;

/** @param flags as `windlass up` takes them: the first --persistence is where a server writes */
export function sharesState(flags: readonly string[]): boolean {
  const [first] = flags.flatMap((flag, index) => {
    if (flag === '--persistence') return [flags[index + 1] ?? ''];
    return flag.startsWith('--persistence=') ? [flag.slice('--persistence='.length)] : [];
  });
  return first !== undefined && SHARED.test(first);
}
