// A provider of somebody else says `import … from 'windlass/persistence/errors'`, wherever its file lies: this program is the windlass that it
// means, unless there is one installed beside it.
import { registerHooks } from 'node:module';

const OWN = /^windlass(?:\/|$)/;
let isOffered = false;

/** Once for the process, and for good: a provider may import later, too. */
export function offerOwnPackage(): void {
  if (isOffered) return;
  isOffered = true;
  registerHooks({
    resolve(specifier, context, nextResolve) {
      try {
        return nextResolve(specifier, context);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== 'ERR_MODULE_NOT_FOUND' || !OWN.test(specifier)) throw error;
        // As one of our own files would import it.
        return nextResolve(specifier, { ...context, parentURL: import.meta.url });
      }
    },
  });
}
