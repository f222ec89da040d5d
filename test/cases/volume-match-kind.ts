// Cases about whether a volume that is there is the one that a spec means.
import { volumeOf } from '#cli/spec/service-of-spec.ts';
import { claimFacts, matchesClaim } from '#controllers/service/claims.ts';
import { outcomeOf } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import { readVolume } from './read-spec.ts';
import type { ServiceCase } from './service-case.ts';
import { claimOf } from './world.ts';

export function playVolumeMatch({ spec, initial }: ServiceCase): Outcome {
  const wanted = readVolume(spec['volume'], 'spec.volume');
  if (wanted.type !== 'volume') return outcomeOf({ op: 'no-match' });
  const volume = volumeOf(wanted);
  const { name, claimName = name } = volume;
  const matches = initial.volumes
    .map((there) => claimFacts(claimOf(there, false)))
    .some((claim) => claim.claimName === claimName && matchesClaim(volume, claim));
  return outcomeOf({ op: matches ? 'match' : 'no-match' });
}
