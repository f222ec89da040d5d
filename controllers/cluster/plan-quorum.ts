// How many controllers may be away or may join at a time, so that the others still agree. Pure.

/** Members that must agree out of so many. */
export function quorumOf(members: number): number {
  return Math.floor(members / 2) + 1;
}

/**
 * Whether one more of `members` may be taken away. With one or two members nothing can be changed without losing the quorum for a
 * moment: then it may, one at a time, when all of them serve.
 */
export function survivesWithout(members: number, serving: number, isServing: boolean): boolean {
  if (!isServing) return true;
  return members <= 2 ? serving === members : serving - 1 >= quorumOf(members);
}

/** How many of `joining` controllers may join now, `members` being there: an odd number soon, and never more than the quorum bears. */
export function joinBatch(members: number, joining: number): number {
  if (joining === 0) return 0;
  if (members === 0) return 1;
  if (members === 1 && joining >= 2) return 2;
  if (members % 2 === 0) return 1;
  return Math.max(1, Math.min(joining, Math.floor(quorumOf(members) / 2)));
}
