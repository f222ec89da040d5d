// From what came of bringing an artifact to its status. Pure: equal facts give an equal status, so that what is settled is not written.
import { setConditions } from '../machinery/conditions.ts';
import type { Condition } from '../machinery/conditions.ts';
import type { Outcome } from './outcome.ts';
import type { Artifact, ArtifactStatus, RetainedDigest } from './types.ts';

type Said = Pick<Condition, 'status' | 'reason' | 'message'>;

interface Judgement {
  readonly Resolved: Said;
  readonly Reachable: Said;
  readonly Cached: Said;
  readonly Verified: Said;
  readonly Ready: Said;
}

const MESSAGE_LENGTH = 1_000;

function said(status: Said['status'], reason: string, message: string): Said {
  const short =
    message.length > MESSAGE_LENGTH ? `${message.slice(0, MESSAGE_LENGTH - 1)}…` : message;
  return { status, reason, message: short };
}

/** @param now RFC 3339 */
export function planStatus(
  { spec, status = {}, metadata: { generation } }: Artifact,
  outcome: Outcome,
  /** Undefined: not known, so what was known stays. */
  users: readonly string[] | undefined,
  now: string,
): ArtifactStatus {
  const usedBy = users ?? status.usedBy ?? [];
  const judgement = judge(outcome, status);
  const conditions = setConditions(
    status.conditions ?? [],
    (['Resolved', 'Reachable', 'Cached', 'Verified', 'Ready'] as const).map((type) => ({
      type,
      ...judgement[type],
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    })),
    now,
  );
  const facts = factsOf(outcome, status);
  const retained = retainedOf(status, facts.digest, spec.retain ?? 1, outcome);
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    conditions,
    ...facts,
    ...(usedBy.length === 0 ? {} : { usedBy: usedBy.toSorted() }),
    ...(retained.length === 0 ? {} : { retained }),
  };
}

type Facts = Pick<ArtifactStatus, 'digest' | 'size' | 'cacheKey' | 'fetchCount' | 'source'>;

/** After a failure, what is kept is still what was kept before. */
function factsOf(outcome: Outcome, status: ArtifactStatus): Facts {
  const { digest, size, cacheKey, source } = status;
  const fetchCount =
    (status.fetchCount ?? 0) + (outcome.state === 'cached' && outcome.source !== undefined ? 1 : 0);
  const before = {
    ...(digest === undefined ? {} : { digest }),
    ...(size === undefined ? {} : { size }),
    ...(cacheKey === undefined ? {} : { cacheKey }),
    ...(source === undefined ? {} : { source }),
    fetchCount,
  };
  switch (outcome.state) {
    case 'existing':
      return { fetchCount };
    case 'failed':
      return before;
    case 'reachable':
      return {
        digest: `sha256:${outcome.digest}`,
        cacheKey: outcome.cacheKey,
        source: outcome.source,
        fetchCount,
      };
    case 'cached': {
      const isSame = digest === `sha256:${outcome.digest}`;
      const from = outcome.source ?? (isSame ? source : undefined);
      return {
        digest: `sha256:${outcome.digest}`,
        size: outcome.size,
        cacheKey: outcome.cacheKey,
        ...(from === undefined ? {} : { source: from }),
        fetchCount,
      };
    }
  }
}

/** The digest that was kept until now joins the earlier ones. */
function retainedOf(
  status: ArtifactStatus,
  digest: string | undefined,
  retain: number,
  outcome: Outcome,
): readonly RetainedDigest[] {
  const before = status.retained ?? [];
  const previous = status.digest;
  const isReplaced = outcome.state === 'cached' && previous !== undefined && previous !== digest;
  const entry = isReplaced
    ? [
        {
          digest: previous,
          ...(status.cacheKey === undefined ? {} : { cacheKey: status.cacheKey }),
        },
      ]
    : [];
  return [...entry, ...before.filter((one) => one.digest !== previous || !isReplaced)]
    .filter((one) => one.digest !== digest)
    .slice(0, retain);
}

function judge(outcome: Outcome, status: ArtifactStatus): Judgement {
  switch (outcome.state) {
    case 'existing': {
      const none = said('False', 'OnHosts', 'the hosts have it, nothing is kept here');
      return {
        Resolved: said('True', 'OnHosts', 'the hosts have it'),
        Reachable: said('Unknown', 'OnHosts', 'each host is looked at when it is used'),
        Cached: none,
        Verified: said('Unknown', 'OnHosts', 'each host is looked at when it is used'),
        Ready: said('True', 'OnHosts', 'the hosts have it'),
      };
    }
    case 'reachable':
      return {
        Resolved: said('True', 'DigestKnown', `its digest is sha256:${outcome.digest}`),
        Reachable: said('True', 'Answers', `${outcome.source} has it`),
        Cached: said('False', 'NodePull', 'hosts fetch it themselves, nothing is kept here'),
        Verified: said('Unknown', 'NodePull', 'each host compares what it fetched with the digest'),
        Ready: said('True', 'Reachable', 'hosts can fetch it'),
      };
    case 'cached':
      return {
        Resolved: said('True', 'DigestKnown', `its digest is sha256:${outcome.digest}`),
        Reachable: reachableOf(outcome.source, status),
        Cached: said('True', 'Stored', `${outcome.size} bytes are in the store`),
        Verified: said('True', 'DigestMatches', 'the bytes have the published digest'),
        Ready: said('True', 'Stored', 'it can be used'),
      };
    case 'failed':
      return judgeFailure(outcome, status);
  }
}

/** What is found in the store says nothing about sources: what was known of them stays. */
function reachableOf(source: string | undefined, { conditions = [] }: ArtifactStatus): Said {
  if (source !== undefined) return said('True', 'Answers', `${source} has it`);
  const before = conditions.find(({ type }) => type === 'Reachable');
  if (before?.status === 'True') return said('True', before.reason, before.message);
  return said('Unknown', 'NotAsked', 'it was in the store already');
}

function judgeFailure(
  { stage, failure, message }: Extract<Outcome, { state: 'failed' }>,
  status: ArtifactStatus,
): Judgement {
  const no = said('False', failure, message);
  const kept = status.digest === undefined ? '' : `; ${status.digest} is still kept`;
  const unknown = said('Unknown', failure, 'not known because of an earlier failure');
  const notCached = said('False', failure, `what the spec describes is not in the store${kept}`);
  const Ready = no;
  if (stage === 'resolve')
    return { Resolved: no, Reachable: unknown, Cached: notCached, Verified: unknown, Ready };
  const Resolved = said('True', 'DigestKnown', 'the digest is known');
  if (failure === 'ChecksumMismatch')
    return {
      Resolved,
      Reachable: said('True', 'Answers', 'a source answers, with other bytes than published'),
      Cached: notCached,
      Verified: no,
      Ready,
    };
  if (failure === 'TooLarge' || failure.startsWith('Storage'))
    return { Resolved, Reachable: unknown, Cached: no, Verified: unknown, Ready };
  return { Resolved, Reachable: no, Cached: notCached, Verified: unknown, Ready };
}
