// What a Compose file cannot have, each with file, line and field; and what it can have without effect, each with a warning.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManifestError } from '../apply/manifest.ts';
import { composeOf, fileOf } from './compose-fixture.ts';

/** Lines of the service `a`, and what is wrong with them. */
const REFUSED: readonly (readonly [lines: string, why: RegExp])[] = [
  ['image: UPPER', /services\.a\.image: invalid image/],
  ['imgae: x', /services\.a\.imgae: unknown field; did you mean image\?/],
  ['deploy: {mode: daemon}', /services\.a\.deploy\.mode: unsupported deploy mode: 'daemon'/],
  ['deploy: {mode: global-job}', /a service runs until it is removed/],
  ['deploy: {replicas: -1}', /deploy\.replicas: must be a whole number from 0 to 2147483647/],
  ['deploy: {replicas: 1e9}', /must be a whole number/],
  [
    'deploy: {update_config: {order: sideways}}',
    /unsupported deploy\.update_config\.order: 'sideways', use start-first/,
  ],
  ['deploy: {update_config: {monitor: soon}}', /monitor: must be a duration such as 30s/],
  ['deploy: {update_config: {max_failure_ratio: 2}}', /must be a number from 0 to 1/],
  ['deploy: {resources: {limits: {memory: lots}}}', /must be a size such as 64m/],
  ['deploy: {placement: {constraints: [nonsense]}}', /must be KEY==VALUE or KEY!=VALUE/],
  ['deploy: {placement: {constraints: [a.b==c]}}', /'a\.b' is not supported: use node\.hostname/],
  ['ports: ["80:80:80:80"]', /services\.a\.ports\[0\]: invalid port '80:80:80:80'/],
  ['ports: ["70000:80"]', /must be a port from 1 to 65535/],
  ['ports: ["80-81:80"]', /both ranges must have the same length/],
  ['ports: ["1-1000:1-1000"]', /has 1000 ports; 64 is the most/],
  [
    'ports: ["80:80", "80:81"]',
    /services\.a: 80:81\/tcp: port 80\/tcp of the machine is published/,
  ],
  ['ports: {80: 80}', /services\.a\.ports: must be a list, found a map/],
  ['ports: [{target: 80, publish: 80}]', /publish: unknown field; did you mean published\?/],
  ['x-ports: ["10.0.0.0/8:80:80@host"]', /CIDR cannot be bound/],
  ['x-ports: [app:80]', /x-ports\[0\]: port app:80: invalid hostname 'app'/],
  ['x-machines: [a, ""]', /cannot be empty/],
  ['x-caddy: |\n  a {\n  }\nx-ports: [80/https]', /cannot be specified simultaneously/],
  ['x-caddy: {config: "a {}"}\nx-ports: [80/https]', /cannot be specified simultaneously/],
  ['x-caddy: {config: "a {}", more: b}', /x-caddy\.more: x-caddy has invalid keys: more/],
  ['x-caddy: {config: 123}', /x-caddy\.config: expected type 'string'/],
  ['ports: ["80:80"]\nx-ports: [443:80/http]', /cannot specify both 'ports' and 'x-ports'/],
  ['volumes: ["./data:/data"]', /volumes\[0\]: '\.\/data' is relative: the file is here/],
  ['volumes: ["gone:/data"]', /a volume that doesn't exist in the service spec: 'gone'/],
  ['volumes: ["shared:data"]', /'data' must be an absolute path/],
  ['volumes: ["shared:/a", "/b:/a"]', /\/a is mounted by services\.a\.volumes\[0\] already/],
  ['volumes: ["shared:/a:quick"]', /unknown option 'quick', use ro or rw/],
  ['volumes: [{type: npipe, target: /x}]', /type 'npipe' is not supported/],
  ['volumes: [{type: bind, target: /x}]', /source is missing: the folder of the machine/],
  ['configs: [gone]', /a config that doesn't exist: 'gone'/],
  ['configs: [{source: app.conf, uid: "-1"}]', /configs\[0\]\.uid: invalid Uid '-1'/],
  ['configs: [{source: app.conf, gid: wheel}]', /invalid Gid 'wheel'/],
  ['configs: [{source: app.conf, mode: "0999"}]', /must be permissions such as "0440"/],
  ['configs: [{source: app.conf, target: here}]', /'here' must be an absolute path/],
  ['secrets: [gone]', /a secret that doesn't exist: 'gone'/],
  ['environment: {A: secret://gone}', /there is no secret 'gone'/],
  ['environment: {"A B": x}', /"A B" is no name for an environment variable/],
  ['environment: {A: [x]}', /services\.a\.environment\.A: must be a text, found a list/],
  ['env_file: none.env', /services\.a\.env_file: none\.env cannot be read/],
  ['env_file: bad.env', /env_file: bad\.env, line 2: write it as NAME=VALUE/],
  ['user: "1:2:3"', /'1:2:3' must be USER or USER:GROUP/],
  ['x-pre_deploy: {command: x, user: me}', /user: 'me' must be numbers, UID or UID:GID, in a hook/],
  ['command: "echo \'a"', /services\.a\.command: a ' is not closed/],
  ['entrypoint: ""', /is empty, and there is no command/],
  ['extends: {service: b}', /extends: is not followed: write what is shared once with an anchor/],
  ['depends_on: [gone]', /there is no service 'gone' to wait for/],
  ['depends_on: {b: {condition: service_completed_successfully}}', /write what runs once as x-pre/],
  ['depends_on: [a]', /services wait for each other: a → a/],
  ['healthcheck: {test: [curl, x]}', /test: must be \[CMD, PROGRAM/],
  ['x-pre_deploy: {user: root}', /missing required attribute 'command'/],
  ['x-pre_deploy: {command: []}', /missing required attribute 'command'/],
  ['pull_policy: sometimes', /unsupported pull policy: 'sometimes'/],
  ['labels: {windlass.dev/service: x}', /windlass\.dev\/service is reserved/],
  ['ulimits: {nofile: {soft: 1}}', /ulimits\.nofile: hard is missing/],
  ['devices: [dev]', /paths of devices must be absolute/],
  ['gpus: some', /invalid value 'some', use all/],
  ['stop_signal: please stop', /is no signal/],
  ['privileged: maybe', /must be true or false, found "maybe"/],
  ['command: [a, $]', /services\.a\.command\[1\]: invalid interpolation in "\$": write \$\$/],
  ['working_dir: "${A"', /a \$\{ is not closed/],
  ['working_dir: "${A:?say where}"', /required variable A is missing a value: say where/],
];

for (const [lines, why] of REFUSED) {
  test(`refused: ${lines.replaceAll('\n', '; ')}`, () => {
    const text = lines.startsWith('image:')
      ? fileOf('').replace('image: nginx', lines)
      : fileOf(lines);
    assert.throws(
      () => composeOf(text),
      (error) => {
        assert.ok(error instanceof ManifestError);
        assert.match(error.message, /^compose\.yaml, line \d+: /);
        assert.match(error.message, why);
        assert.doesNotMatch(error.message, /geheim/);
        return true;
      },
    );
  });
}

const FILES: readonly (readonly [text: string, why: RegExp])[] = [
  ['- a', /must be a map with services/],
  ['services: [a]', /services: must be a map, found a list/],
  ['services: {a: {}}', /line 1: services\.a: has no image/],
  ['services:\n  a:\n', /line 2: services\.a: is empty/],
  ['services: {a: {build: .}}', /build: .*docker compose build, then windlass image push NAME/],
  ['services: {My_App: {image: x}}', /invalid service name 'My_App': .* such as my-app/],
  ['services: {web-: {image: x}}', /invalid service name 'web-'/],
  ['services: {}\nservice: {}', /service: unknown field; did you mean services\?/],
  ['services: {}\ninclude: [a]', /include: is not followed/],
  ['services: {a: {image: x}}\nservices: {}', /line 2: does not parse: Map keys must be unique/],
  ['services: {a: &x {image: *y}}', /does not parse: Unresolved alias/],
  ['services: {a: !reset null}', /!reset and !override are for merging several files/],
  ['services: {a: !!python/object:os.system x}', /does not parse: Unresolved tag/],
  ['services: {"a": {image: x}, "b": {image: x}', /does not parse/],
  [
    'services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [a]}}',
    /services wait for each other: a → b → a/,
  ],
  [
    'services: {a: {image: x, ports: ["80:80"]}, b: {image: x, ports: ["80:81"]}}',
    /services\.b: port 80\/tcp is published by services\.a already/,
  ],
  ['services: {}\nvolumes: {x: {external: true, driver: nfs}}', /used as it is/],
  ['services: {}\nconfigs: {"": {content: x}}', /config name is required/],
  ['services: {}\nconfigs: {x: {external: true}}', /give it content or file/],
  ['services: {}\nconfigs: {x: {content: a, file: b}}', /has content and file: only one/],
  ['services: {}\nsecrets: {x: {x-command: [pass, x]}}', /commands are not run for secrets/],
  ['services: {}\nsecrets: {x: }', /must be a map, found nothing/],
  [
    'services: {a: {image: x, secrets: [x]}}\nsecrets: {x: {environment: GONE}}',
    /the environment variable GONE is not set/,
  ],
  [`services: ${'['.repeat(100_000)}`, /nested too deeply|does not parse/],
  [`services: ${'{a: '.repeat(100)}x${'}'.repeat(100)}`, /nested too deeply/],
  [`# ${'x'.repeat(4_000_000)}\nservices: {}`, /characters; 4000000 is the most/],
];

for (const [text, why] of FILES) {
  test(`refused file: ${text.slice(0, 60)}`, () => {
    assert.throws(
      () => composeOf(text),
      (error) => error instanceof ManifestError && why.test(error.message),
    );
  });
}

test('aliases of aliases are refused before they fill the memory', () => {
  let bomb = 'x-0: &x0 [x,x,x,x,x,x,x,x,x]\n';
  for (let level = 1; level < 30; level++)
    bomb += `x-${level}: &x${level} [${Array.from({ length: 9 }, () => `*x${level - 1}`).join(',')}]\n`;
  assert.throws(() => composeOf(`${bomb}services: {}\n`), /does not parse: Excessive alias count/);
  const large = `x-a: &a [${'x,'.repeat(1_000)}]\nx-b: [${'*a,'.repeat(900)}]\nservices: {}\n`;
  assert.throws(() => composeOf(large), /holds more than 200000 values, aliases counted/);
});

/** Lines of the service `a` that have no effect, and what is said of them. */
const WARNED: readonly (readonly [lines: string, why: RegExp])[] = [
  ['container_name: x', /services\.a\.container_name: ignored: instances have names of their own/],
  ['links: [b]', /services\.a\.links: ignored: services reach each other by name/],
  ['networks: [back]', /networks: ignored: all services can reach each other/],
  ['restart: "no"', /restart: ignored: instances of a service are always restarted/],
  ['deploy: {rollback_config: {order: stop-first}}', /rollback_config: ignored: a rollback goes/],
  ['deploy: {restart_policy: {condition: on-failure}}', /condition: ignored/],
  ['deploy: {mode: global, replicas: 2}', /replicas: ignored: mode global/],
  ['deploy: {placement: {max_replicas_per_node: 1}}', /ignored: instances are spread evenly/],
  ['deploy: {placement: {constraints: [node.role==manager]}}', /no managers and workers/],
  ['ports: ["80"]', /no port of the machine is given, and none is chosen: write HOST_PORT:80/],
  ['build: .', /not built here: run docker compose build, then windlass image push nginx/],
  ['x-caddy: a {}', /the ingress here is no Caddy; publish with x-ports/],
  ['volumes: ["shared:/a:z"]', /option z has no meaning here and is ignored/],
  ['extra_hosts: ["host.docker.internal:host-gateway"]', /host-gateway is not supported/],
  ['labels: {"no key!": x}', /'no key!' cannot be the key of a label here/],
  ['healthcheck: {test: x, interval: 1500ms}', /interval: rounded up to 2s/],
  ['x-pre_deploy: {command: x, what: y}', /x-pre_deploy\.what: unknown, and ignored/],
  ['working_dir: "/${GONE}"', /variable GONE is not set: it counts as empty/],
];

for (const [lines, why] of WARNED) {
  test(`warned of: ${lines}`, () => {
    const { warnings } = composeOf(fileOf(lines));
    assert.equal(warnings.length, 1, warnings.join('\n'));
    assert.match(warnings[0] ?? '', /^compose\.yaml, line \d+: /);
    assert.match(warnings[0] ?? '', why);
  });
}

test('what is usual is not warned of', () => {
  const lines = 'restart: unless-stopped\nnetworks: [default]\nx-mine: 1\npid: ""\nports: ["1:2"]';
  assert.deepEqual(composeOf(`version: "3.9"\n${fileOf(lines)}`).warnings, []);
});
