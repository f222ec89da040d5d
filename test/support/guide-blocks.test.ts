import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guideBlocks, notPrinted } from './guide-blocks.ts';

test('blocks of a page: commands, what they print, and what comments say about them', () => {
  const page = `# A page

    kubectl get pods

    kubectl get nodes

Words, and output that is no command:

    NAME   READY

<!-- run: with HERE as there -->
<!-- run: first
mkdir a
cd a
-->

    $ windlass up \\
      --bind HERE
    ready https://127.0.0.1:6443

\`\`\`yaml
kind: Service
\`\`\`

<!-- run: file a.yaml -->

\`\`\`yaml
kind: Pod
\`\`\`

<!-- run: skip it takes a bucket -->

\`\`\`sh
cd b && make
\`\`\`
`;
  const none = { prints: [], first: [], replace: [], fails: false };
  assert.deepEqual(guideBlocks(page), [
    { ...none, line: 3, script: 'kubectl get pods\n\nkubectl get nodes' },
    {
      ...none,
      line: 17,
      script: 'windlass up \\\n  --bind HERE',
      prints: ['ready https://127.0.0.1:6443'],
      replace: [['HERE', 'there']],
      first: ['mkdir a\ncd a'],
    },
    { ...none, line: 27, script: 'kind: Pod\n', file: 'a.yaml' },
    { ...none, line: 33, script: 'cd b && make', skip: 'it takes a bucket' },
  ]);
  assert.throws(() => guideBlocks('<!-- run: skip it -->\n\nwords'), /line 3: no code after/);
  assert.throws(() => guideBlocks('<!-- run: often -->\n\n    kubectl'), /nothing that is known/);
  assert.throws(() => guideBlocks('<!-- run: with A B -->\n\n    kubectl'), /not WHAT as WHAT/);
});

test('what is printed is compared in order, and loosely', () => {
  const prints = ['NAME  LAG', 'hello-bn94x  3 of 3 ready after 1.3 s …', 'kept in /home/you/a'];
  const output =
    'ready\nNAME     LAG\nhello-qx7t2 5 of 5 ready after 0.7 s so far\nkept in /tmp/b\n';
  assert.equal(notPrinted(prints, output), undefined);
  assert.equal(notPrinted(prints.toReversed(), output), prints[1]);
  assert.equal(notPrinted(['hello-bn94x  gone'], output), 'hello-bn94x  gone');
  assert.equal(notPrinted(['sqlite-1f2e3d4c  0.4ms'], 'sqlite-00aa11bb 2m'), undefined);
});
