// A place that was to be filled.

/** The target holds something; nothing of it was changed. */
export class NotEmptyError extends Error {
  constructor(location: string, revision: number) {
    super(
      `Cannot restore into ${location}: it holds a state already (revision ${revision}); name an empty place, or move that one away first`,
    );
    this.name = 'NotEmptyError';
  }
}
