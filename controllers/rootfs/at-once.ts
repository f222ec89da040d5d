// Work that happens at the same time, of which nothing is left running once it has failed.

export interface Work {
  /** For whoever is cancelled because of it. */
  readonly name: string;
  run(signal: AbortSignal): Promise<void>;
}

/** The first failure cancels the others, and is told once all have ended. */
export async function atOnce(works: readonly Work[], signal: AbortSignal): Promise<void> {
  const siblings = new AbortController();
  const either = AbortSignal.any([signal, siblings.signal]);
  let failure: { readonly error: unknown } | undefined;
  await Promise.all(
    works.map(async (work) => {
      try {
        await work.run(either);
      } catch (error) {
        failure ??= { error };
        siblings.abort(new Error(`cancelled: ${work.name} failed`));
      }
    }),
  );
  if (failure !== undefined) throw failure.error;
}
