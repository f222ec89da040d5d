// Names of our own files in a source, as they are once it is compiled: imports, `#folder/…` and the URLs of worker threads alike.

/** A string that names a file of ours: it begins with `#` or `.`, and ends in `.ts`. */
const OWN_FILE = /(['"])((?:#|\.{1,2}\/)[^'"\n]*\.ts)\1/g;

/** `./cli/main.ts` → `./cli/main.js` */
export function javaScriptName(path: string): string {
  return path.replace(/\.ts$/, '.js');
}

/** The source as the compiler gets it. */
export function withJavaScriptNames(source: string): string {
  return source.replace(
    OWN_FILE,
    (_whole, quote: string, path: string) => `${quote}${javaScriptName(path)}${quote}`,
  );
}
