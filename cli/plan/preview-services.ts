// Previews of several services that are applied together: each sees what the ones before it will have made. Pure.
import type { Service } from '#controllers/service/types.ts';
import { previewService } from './preview.ts';
import type { ServicePreview, World } from './preview.ts';

export interface ServiceChange {
  /** The service as it is; undefined when there is none, or none was recorded. */
  readonly before: Service | undefined;
  readonly after: Service;
}

/** @param now milliseconds since the epoch. @throws CommandError when the controller would refuse a spec */
export function previewServices(
  changes: readonly ServiceChange[],
  world: World,
  now: number,
  byName = false,
): readonly ServicePreview[] {
  const isPlanned = (service: Service): boolean =>
    changes.some(
      ({ after }) =>
        after.metadata.name === service.metadata.name &&
        (after.metadata.namespace ?? 'default') === (service.metadata.namespace ?? 'default'),
    );
  const services = [
    ...world.services.filter((service) => !isPlanned(service)),
    ...changes.map(({ after }) => after),
  ];
  let { claims } = world;
  return changes.map(({ before, after }) => {
    const preview = previewService({
      before,
      after,
      world: { ...world, services, claims },
      now,
      byName,
    });
    claims = [...claims, ...preview.claims];
    return preview;
  });
}
