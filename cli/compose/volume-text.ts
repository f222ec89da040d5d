// The short form of a mount in Compose: `[SOURCE:]PATH[:OPTIONS]`. Pure.

export interface ComposeVolumeText {
  /** A name or a folder; undefined for a volume of the instance's own. */
  readonly source: string | undefined;
  readonly path: string;
  readonly isReadOnly: boolean;
  readonly propagation: string | undefined;
  readonly ignored: readonly string[];
}

const PROPAGATIONS = ['shared', 'rshared', 'slave', 'rslave', 'private', 'rprivate'];
const KNOWN = ['z', 'Z', 'nocopy', 'consistent', 'cached', 'delegated', 'copy', 'U'];

/** @throws Error that says which part is wrong */
export function parseComposeVolume(text: string): ComposeVolumeText {
  // Of a folder on Windows, which is refused later by its name.
  const drive = /^[A-Za-z]:\\/.exec(text)?.[0] ?? '';
  const [first = '', second, options = '', ...more] = text.slice(drive.length).split(':');
  const head = `${drive}${first}`;
  if (head === '' || more.length > 0 || second === '')
    throw new Error(`invalid mount '${text}': write it as VOLUME:PATH[:ro] or /FOLDER:PATH[:ro]`);
  if (second === undefined)
    return {
      source: undefined,
      path: head,
      isReadOnly: false,
      propagation: undefined,
      ignored: [],
    };
  const words = options.split(',').filter((word) => word !== '');
  const unknown = words.find(
    (word) => !['ro', 'rw'].includes(word) && !PROPAGATIONS.includes(word) && !KNOWN.includes(word),
  );
  if (unknown !== undefined)
    throw new Error(`invalid mount '${text}': unknown option '${unknown}', use ro or rw`);
  return {
    source: head,
    path: second,
    isReadOnly: words.includes('ro'),
    propagation: words.find((word) => PROPAGATIONS.includes(word)),
    ignored: words.filter((word) => KNOWN.includes(word)),
  };
}
