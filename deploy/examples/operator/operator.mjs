// An operator to start from: for each Greeting it keeps a ConfigMap with the text, and says in the status what it did.
// It reads KUBECONFIG and runs against any Kubernetes API server. Ctrl-C ends it; what it made stays right.
import {
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node';

const group = 'example.com';
const version = 'v1';
const plural = 'greetings';
const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);

const config = new KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(CoreV1Api);
const custom = config.makeApiClient(CustomObjectsApi);

/** Makes the world what `greeting` says. Called for every change and again after an error: it must not mind being called twice. */
async function reconcile(greeting) {
  const { name, namespace, uid, generation } = greeting.metadata;
  const text = Array(greeting.spec.times).fill(`Hello, ${greeting.spec.name}!`).join(' ');
  const body = {
    metadata: {
      name: `greeting-${name}`,
      // Deleting the Greeting deletes its ConfigMap: the server's garbage collector sees to it.
      ownerReferences: [
        { apiVersion: `${group}/${version}`, kind: 'Greeting', name, uid, controller: true },
      ],
    },
    data: { text },
  };
  try {
    await core.createNamespacedConfigMap({ namespace, body });
  } catch (error) {
    if (error.code !== 409) throw error;
    await core.patchNamespacedConfigMap({ namespace, name: body.metadata.name, body }, merge);
  }
  // Status has a resource of its own: writing it changes no generation. An unchanged one is not written, so that we do not wake ourselves.
  if (greeting.status?.observedGeneration === generation && greeting.status.text === text) return;
  const status = { observedGeneration: generation, text };
  await custom.patchNamespacedCustomObjectStatus(
    { group, version, namespace, plural, name, body: { status } },
    merge,
  );
  console.log(`${namespace}/${name}: ${text}`);
}

const informer = makeInformer(config, `/apis/${group}/${version}/${plural}`, () =>
  custom.listCustomObjectForAllNamespaces({ group, version, resourcePlural: plural }),
);

// By key, the resourceVersion to look at. One worker for each object, which takes its newest state: changes that come while it
// works are one more round, not one each.
const pending = new Map();

function enqueue({ metadata: { namespace, name, resourceVersion } }) {
  const key = `${namespace}/${name}`;
  const isAtWork = pending.has(key);
  pending.set(key, resourceVersion);
  if (!isAtWork) void work(key, namespace, name);
}

async function work(key, namespace, name) {
  while (pending.has(key)) {
    const seen = pending.get(key);
    try {
      const greeting = informer.get(name, namespace);
      if (greeting !== undefined) await reconcile(greeting);
      if (pending.get(key) === seen) pending.delete(key);
    } catch (error) {
      console.error(`${key}: ${error.message}; trying again`);
      await new Promise((done) => setTimeout(done, 1_000));
    }
  }
}

informer.on('add', enqueue);
informer.on('update', enqueue);
// The informer stops at an error; it lists and watches anew.
informer.on('error', (error) => {
  console.error(`the watch ended (${error?.message ?? error}); starting it again`);
  setTimeout(() => void informer.start(), 1_000);
});
await informer.start();
console.log('watching greetings');
