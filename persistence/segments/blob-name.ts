// Names of blobs, checked where a driver turns them into a path or a URL.

const PART = '[A-Za-z0-9_-][A-Za-z0-9._-]*';
const NAME = new RegExp(`^${PART}(?:/${PART})*$`);

/** @throws RangeError for a name that is not relative parts of `[A-Za-z0-9._-]+` */
export function checkedBlobName(name: string): string {
  if (NAME.test(name)) return name;
  throw new RangeError(`Cannot use ${JSON.stringify(name)} as the name of a blob`);
}
