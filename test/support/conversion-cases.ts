// What an API server does about conversion webhooks, case by case, as a client and the webhook see it. Played against our server and,
// where there is one, Kubernetes' own: both must do the same.
import { convertAll, GROUP, objectsOf, respond, shape } from './conversion-world.ts';
import type { ConversionWorld, Doc, Thing } from './conversion-world.ts';
import type { Answer } from './webhook-server.ts';

interface ConversionCase {
  readonly title: string;
  readonly play: (world: ConversionWorld) => Promise<unknown>;
}

const MERGE = 'application/merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';

/** By the name of the object: what is wrong with the answer. */
const spoilt: Readonly<Record<string, Answer>> = {
  'other-uid': (review) => respond(review, { uid: 'other', convertedObjects: [] }),
  failure: (review) => respond(review, { result: { status: 'Failure', message: 'no such luck' } }),
  'failure-without-message': (review) => respond(review, { result: { status: 'Failure' } }),
  'no-status': (review) => respond(review, { result: {} }),
  'no-response': (review) => respond(review, {}, { response: undefined }),
  'other-kind-of-answer': (review) =>
    respond(review, {}, { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1' }),
  'no-objects': (review) => respond(review, { convertedObjects: [] }),
  'two-objects': (review) =>
    respond(review, { convertedObjects: [...objectsOf(review), ...objectsOf(review)] }),
  'same-version': (review) => respond(review, { convertedObjects: objectsOf(review) }),
  'other-kind': convertAll((object) => ({ ...object, kind: 'Other' })),
  'other-name': convertAll((object) => withMetadata(object, { name: 'changed' })),
  'other-namespace': convertAll((object) => withMetadata(object, { namespace: 'changed' })),
  'other-object': convertAll((object) => withMetadata(object, { uid: 'changed' })),
  'no-metadata': convertAll(({ metadata: _metadata, ...object }) => object),
  'number-as-label': convertAll((object) => withMetadata(object, { labels: { a: 1 } })),
  'list-as-labels': convertAll((object) => withMetadata(object, { labels: ['a'] })),
  'wrong-label': convertAll((object) => withMetadata(object, { labels: { a: 'not so' } })),
  'wrong-label-key': convertAll((object) => withMetadata(object, { labels: { 'a b': 'c' } })),
  'wrong-annotation-key': convertAll((object) =>
    withMetadata(object, { annotations: { 'a b': '' } }),
  ),
  'not-found': () => (response) => {
    response.statusCode = 404;
    response.end('nothing here');
  },
  broken: () => (response) => {
    response.statusCode = 500;
    response.end('unknown');
  },
  'changed-metadata': convertAll((object) =>
    withMetadata(object, {
      labels: { by: 'webhook' },
      annotations: { note: 'Kept' },
      finalizers: ['example.com/added'],
      generation: 17,
      managedFields: [],
    }),
  ),
};

function withMetadata(object: Doc, metadata: Doc): Doc {
  return { ...object, metadata: { ...(object as Thing).metadata, ...metadata } };
}

/** Kinds are made once; what a case makes has a name of its own. */
export const conversionCases: readonly ConversionCase[] = [
  {
    title: 'written in one version, read in both',
    async play(world) {
      await world.define('gadgets');
      world.server.asked.length = 0;
      const made = await world.create('gadgets', 'v1beta1', 'beta', {
        metadata: { labels: { a: 'b' } },
      });
      const [asked] = world.server.reviews('/convert');
      return {
        made: world.outcome(made),
        asked: world.plain({
          kind: asked?.kind,
          apiVersion: asked?.apiVersion,
          desired: asked?.request['desiredAPIVersion'],
          fields: Object.keys(asked?.request ?? {}).toSorted(),
          objects:
            asked === undefined ? [] : objectsOf(asked).map((one) => Object.keys(one).toSorted()),
        }),
        v1: world.outcome(await world.get('gadgets', 'v1', 'beta')),
        v1beta1: world.outcome(await world.get('gadgets', 'v1beta1', 'beta')),
        table: (await world.create('gadgets', 'v1', 'stable')).code,
      };
    },
  },
  {
    title: 'lists of both',
    play: async (world) => ({
      v1: world.outcome(await world.call('GET', world.path('gadgets', 'v1'))),
      v1beta1: world.outcome(await world.call('GET', world.path('gadgets', 'v1beta1'))),
      labelled: world.outcome(
        await world.call('GET', `${world.path('gadgets', 'v1beta1')}?labelSelector=a%3Db`),
      ),
    }),
  },
  {
    title: 'patches, updates and status in the other version',
    async play(world) {
      const at = world.path('gadgets', 'v1beta1', 'stable');
      const merged = await world.call('PATCH', at, { spec: { hostPort: 'b:2' } }, MERGE);
      const operations = [{ op: 'test', path: '/spec/hostPort', value: 'b:2' }];
      const tested = await world.call('PATCH', at, operations, JSON_PATCH);
      const old = (await world.get('gadgets', 'v1beta1', 'stable')).body as Thing;
      const updated = await world.call('PUT', at, { ...old, spec: { hostPort: 'c:3' } });
      const status = { status: { phase: 'Up' } };
      const marked = await world.call('PATCH', `${at}/status`, status, MERGE);
      const conflict = await world.call('PUT', at, old);
      return {
        merged: world.outcome(merged),
        tested: world.outcome(tested),
        updated: world.outcome(updated),
        marked: world.outcome(marked),
        conflict: world.outcome(conflict),
        v1: world.outcome(await world.get('gadgets', 'v1', 'stable')),
      };
    },
  },
  {
    title: 'scale in the other version',
    async play(world) {
      const at = `${world.path('gadgets', 'v1beta1', 'stable')}/scale`;
      const scaled = await world.call('PATCH', at, { spec: { replicas: 3 } }, MERGE);
      const read = await world.call('GET', at);
      const specOf = ({ body }: { body: unknown }): unknown => (body as Doc)['spec'];
      return {
        scaled: [scaled.code, specOf(scaled)],
        read: [read.code, specOf(read)],
        v1: world.outcome(await world.get('gadgets', 'v1', 'stable')),
      };
    },
  },
  {
    title: 'a dry run',
    play: async (world) => {
      const body = world.thing('gadgets', 'v1beta1', 'dry');
      const path = `${world.path('gadgets', 'v1beta1')}?dryRun=All`;
      return {
        made: world.outcome(await world.call('POST', path, body)),
        read: world.outcome(await world.get('gadgets', 'v1', 'dry')),
      };
    },
  },
  {
    title: 'watches of both',
    async play(world) {
      const seen: Doc = {};
      for (const shownAs of ['v1', 'v1beta1']) {
        const { body } = await world.call('GET', world.path('gadgets', shownAs));
        const { resourceVersion } = (body as Thing).metadata;
        const name = `watched-${shownAs}`;
        const path = `${world.path('gadgets', shownAs)}?watch=1&resourceVersion=${String(resourceVersion)}`;
        const events = await world.events(path, 3, async () => {
          await world.create('gadgets', 'v1beta1', name);
          const patch = { spec: { hostPort: 'z:9' } };
          await world.call('PATCH', world.path('gadgets', 'v1beta1', name), patch, MERGE);
          await world.call('DELETE', world.path('gadgets', 'v1beta1', name));
        });
        seen[shownAs] = events.map(({ type, object }) => ({ type, spec: shape(object)['spec'] }));
      }
      return seen;
    },
  },
  {
    title: 'deleted in the other version',
    async play(world) {
      const deleted = await world.call('DELETE', world.path('gadgets', 'v1beta1', 'beta'));
      return { code: deleted.code, v1: world.outcome(await world.get('gadgets', 'v1', 'beta')) };
    },
  },
  {
    title: 'answers that are wrong',
    async play(world) {
      const byName: Answer = (review) => {
        const name = String(objectsOf(review)[0]?.metadata['name']);
        return (spoilt[name] ?? convertAll((one) => one))(review);
      };
      await world.define('widgets', byName);
      const outcomes: Doc = {};
      for (const name of Object.keys(spoilt)) {
        await world.create('widgets', 'v1', name);
        outcomes[name] = world.outcome(await world.get('widgets', 'v1beta1', name));
      }
      return outcomes;
    },
  },
  {
    title: 'writes that cannot be converted',
    async play(world) {
      const at = world.path('widgets', 'v1beta1', 'failure');
      return {
        created: world.outcome(await world.create('widgets', 'v1beta1', 'other-name', {})),
        patched: world.outcome(await world.call('PATCH', at, { spec: { hostPort: 'x:1' } }, MERGE)),
        deleted: world.outcome(await world.call('DELETE', at)),
        stable: world.outcome(await world.get('widgets', 'v1', 'failure')),
        removed: (await world.call('DELETE', world.path('widgets', 'v1', 'failure'))).code,
      };
    },
  },
  {
    title: 'nobody there',
    async play(world) {
      await world.define('sprockets', undefined, { url: 'https://127.0.0.1:1/convert' });
      await world.create('sprockets', 'v1', 'one');
      const service = { namespace: 'default', name: 'nowhere', path: '/convert' };
      await world.define('cogs', undefined, { url: undefined, service });
      await world.create('cogs', 'v1', 'one');
      return {
        refused: world.outcome(await world.get('sprockets', 'v1beta1', 'one')),
        service: world.outcome(await world.get('cogs', 'v1beta1', 'one')),
        created: world.outcome(await world.create('cogs', 'v1beta1', 'two')),
        stable: world.outcome(await world.get('cogs', 'v1', 'one')),
      };
    },
  },
  {
    title: 'the storage version changes',
    async play(world) {
      await world.define('levers');
      await world.create('levers', 'v1', 'early');
      const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/levers.${GROUP}`;
      const { spec = {} } = (await world.call('GET', path)).body as Thing;
      const versions = (spec['versions'] as Doc[]).map((one) => ({
        ...one,
        storage: one['name'] === 'v1beta1',
      }));
      let attempt = 0;
      await world.redefine('levers', { spec: { versions } }, async () => {
        // Written in the version that is now stored: nobody need be asked.
        world.server.asked.length = 0;
        attempt += 1;
        await world.create('levers', 'v1beta1', `late-${attempt}`);
        return world.server.asked.length === 0;
      });
      const touch = { metadata: { labels: { touched: 'yes' } } };
      const read = async (): Promise<unknown> => ({
        v1: world.outcome(await world.get('levers', 'v1', 'early')),
        v1beta1: world.outcome(await world.get('levers', 'v1beta1', 'early')),
      });
      const before = await read();
      await world.call('PATCH', world.path('levers', 'v1', 'early'), touch, MERGE);
      const definition = (await world.call('GET', path)).body as Thing;
      return { before, after: await read(), stored: definition.status?.['storedVersions'] };
    },
  },
];
