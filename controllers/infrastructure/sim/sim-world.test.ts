import { test } from 'node:test';
import { simulated } from '../infrastructure-fixture.ts';
import { providerConformance } from '../provider-conformance.ts';

const { world, provider } = simulated();

providerConformance({
  test,
  name: 'sim',
  open: () =>
    Promise.resolve({
      provider,
      reopen: () => Promise.resolve(provider),
      plant: (name, labels) => Promise.resolve(world.add(name, labels)),
      isThere: (name) => Promise.resolve(world.nodes.has(name)),
    }),
});
