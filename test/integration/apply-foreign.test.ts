// Random applies, patches and updates by several managers on two servers: ours and Kubernetes' own kube-apiserver. After each write both
// must say the same: the answer, the fields, who owns what, and whether anything was written at all.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { applyKinds, stepsOf, thingDefinition } from '../support/apply-steps.ts';
import type { ApplyKind, Step } from '../support/apply-steps.ts';
import { TestControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { ForeignServer, missingForeignServer } from '../support/foreign-server.ts';
import { RawApi } from '../support/raw-api.ts';
import type { RawAnswer } from '../support/raw-api.ts';
import { seededRandom } from '../support/seed.ts';

type Doc = Record<string, unknown>;

const NAMESPACE = 'apply';
const OBJECTS = Number(process.env['WINDLASS_TEST_APPLY_OBJECTS'] ?? 8);
const WRITES = 14;
const TYPES = { apply: 'application/apply-patch+yaml', merge: 'application/merge-patch+json' };

function at(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((doc, name) => (doc as Doc | undefined)?.[name], value);
}

/** What an applier emptied is null upstream and then refused as such; here it is gone. */
const EMPTIED = /in body must be of type (object|array): "null"/;

/** What both servers must agree on. */
function summary(kind: ApplyKind, { code, body }: RawAnswer, wrote: boolean | undefined): Doc {
  const doc = body as Doc;
  if (doc['kind'] === 'Status') {
    const { reason, message, details } = doc;
    if (EMPTIED.test(String(message))) return { code, reason: 'Emptied' };
    // What is invalid is said in words of each server's own.
    const causes = ((at(details, 'causes') ?? []) as Doc[]).map((cause) => JSON.stringify(cause));
    // Their order is that of a map of Go.
    return code === 409 ? { code, reason, message, causes: causes.toSorted() } : { code };
  }
  const metadata = doc['metadata'] as Doc;
  return {
    code,
    wrote,
    owners: owners(metadata['managedFields']),
    labels: metadata['labels'],
    annotations: metadata['annotations'],
    finalizers: metadata['finalizers'],
    generation: kind.kind === 'Thing' ? metadata['generation'] : undefined,
    fields: kind.compared.map((path) => at(doc, path)),
  };
}

function owners(entries: unknown): readonly unknown[] {
  const list = (entries ?? []) as Doc[];
  return (
    list
      // A Scale's owners have no time upstream, by an oversight.
      .map(({ time: _time, ...entry }) => entry)
      .toSorted((a, b) => (identity(a) < identity(b) ? -1 : 1))
  );
}

function identity({ manager, operation, apiVersion, subresource }: Doc): string {
  return JSON.stringify([manager, operation, apiVersion, subresource]);
}

class Twin {
  readonly api: RawApi;
  #revision = '';

  constructor(api: RawApi) {
    this.api = api;
  }

  async play(kind: ApplyKind, name: string, step: Step): Promise<Doc> {
    const path = `${kind.collection.replace('%', NAMESPACE)}/${name}`;
    const answer = await this.#send(kind, name, path, step);
    const after = step.verb === 'scale' && answer.code < 300 ? await this.#get(path) : answer;
    const metadata = at(after.body, 'metadata') as Doc;
    const revision = (metadata['resourceVersion'] ?? this.#revision) as string;
    const wrote = revision !== this.#revision;
    this.#revision = revision;
    // A status write tidies up upstream what an apply before it left as null.
    return summary(kind, after, step.verb === 'status' ? undefined : wrote);
  }

  #get(path: string): Promise<RawAnswer> {
    return this.api.call({ method: 'GET', path });
  }

  async #send(kind: ApplyKind, name: string, path: string, step: Step): Promise<RawAnswer> {
    const { verb, manager, config } = step;
    const { apiVersion, kind: kindName } = kind;
    const meta = { ...(config['metadata'] as Doc | undefined), name, namespace: NAMESPACE };
    const object = { apiVersion, kind: kindName, ...config, metadata: meta };
    const by = `fieldManager=${manager}`;
    const patch = (target: string, type: string, body: unknown): Promise<RawAnswer> =>
      this.api.call({ method: 'PATCH', path: target, type, body });
    switch (verb) {
      case 'apply':
        return patch(`${path}?${by}`, TYPES.apply, object);
      case 'force':
        return patch(`${path}?${by}&force=true`, TYPES.apply, object);
      case 'merge':
        return patch(`${path}?${by}`, TYPES.merge, config);
      case 'reset':
        return patch(`${path}?${by}`, TYPES.merge, { metadata: { managedFields: [{}] } });
      case 'scale':
        return patch(`${path}/scale?${by}`, TYPES.merge, config);
      case 'status':
        return patch(`${path}/status?${by}`, TYPES.merge, config);
      case 'put': {
        const { body } = await this.#get(path);
        const read = body as Doc;
        const metadata = { ...(read['metadata'] as Doc), ...(config['metadata'] as Doc) };
        const status = read['status'] === undefined ? {} : { status: read['status'] };
        const next = { apiVersion, kind: kindName, ...config, ...status, metadata };
        return this.api.call({ method: 'PUT', path: `${path}?${by}`, body: next });
      }
    }
  }
}

async function prepare(api: RawApi): Promise<void> {
  const create = async (path: string, body: unknown): Promise<void> => {
    const { code } = await api.call({ method: 'POST', path, body });
    assert.ok(code === 201 || code === 404 || code === 409, `${path}: ${code}`);
  };
  const v1 = { apiVersion: 'v1' };
  await create('/api/v1/namespaces', { ...v1, kind: 'Namespace', metadata: { name: NAMESPACE } });
  // Where nobody makes one, Pods are not admitted without.
  await create(`/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, {
    ...v1,
    kind: 'ServiceAccount',
    metadata: { name: 'default' },
  });
  await create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', thingDefinition);
  const name = thingDefinition.metadata.name;
  await eventually(
    'the kind is served',
    async () => {
      const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`;
      const { body } = await api.call({ method: 'GET', path });
      const conditions = (at(body, 'status.conditions') ?? []) as Doc[];
      assert.ok(conditions.some(({ type, status }) => type === 'Established' && status === 'True'));
      const things = `/apis/${thingDefinition.spec.group}/v1/namespaces/${NAMESPACE}/things`;
      assert.equal((await api.call({ method: 'GET', path: things })).code, 200);
    },
    60_000,
  );
}

async function openTwins(t: TestContext): Promise<readonly [RawApi, RawApi]> {
  const [plane, foreign] = [await TestControlPlane.start(t), await ForeignServer.start(t)];
  const apis = [
    await RawApi.open(plane.kubeconfig),
    await RawApi.open(foreign.kubeconfig),
  ] as const;
  t.after(() => Promise.all(apis.map((api) => api.close())));
  for (const api of apis) await prepare(api);
  return apis;
}

test(
  'applies, patches and updates leave the same fields and owners as on kube-apiserver',
  { skip: missingForeignServer() },
  async (t) => {
    const [ours, theirs] = await openTwins(t);
    const random = seededRandom();
    t.diagnostic(`WINDLASS_TEST_SEED=${random.seed}`);
    for (const kind of applyKinds) {
      for (let object = 0; object < OBJECTS; object += 1) {
        const name = `o${object}`;
        const twins = [new Twin(ours), new Twin(theirs)] as const;
        const played: Step[] = [];
        for (const step of stepsOf(kind, random, WRITES)) {
          played.push(step);
          const actual = await twins[0].play(kind, name, step);
          const expected = await twins[1].play(kind, name, step);
          if (expected['reason'] === 'Emptied') break;
          const story = `${kind.kind} ${name}, seed ${random.seed}:\n${played
            .map((one) => JSON.stringify(one))
            .join('\n')}`;
          assert.deepEqual(actual, expected, story);
        }
      }
    }
  },
);
