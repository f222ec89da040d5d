// s3:// URLs: what they mean, and that each wrong part is named without giving a secret away.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeS3Location, parseS3Url, redactS3Url, s3InstanceName, S3UrlError } from './url.ts';

function refusal(url: string): string {
  try {
    parseS3Url(url);
  } catch (error) {
    assert.ok(error instanceof S3UrlError);
    return error.message;
  }
  return assert.fail(`${url} was taken`);
}

test('a bucket alone is the whole bucket at AWS, with the host name of the bucket', () => {
  assert.deepEqual(parseS3Url('s3://my-bucket'), {
    bucket: 'my-bucket',
    prefix: '',
    endpoint: undefined,
    region: undefined,
    pathStyle: false,
    profile: undefined,
  });
});

test('every part is taken, encoded or not; slashes around the prefix mean nothing', () => {
  const location = {
    bucket: 'my-bucket',
    prefix: 'prod/windlass.v1',
    endpoint: 'https://s3.example.com:9000',
    region: 'eu-central-1',
    pathStyle: true,
    profile: 'backup',
  };
  const rest = 'region=eu-central-1&profile=backup';
  for (const endpoint of ['https://s3.example.com:9000/', 'https%3A%2F%2FS3.example.com%3A9000']) {
    const url = `s3://my-bucket//prod/windlass.v1/?endpoint=${endpoint}&${rest}`;
    assert.deepEqual(parseS3Url(url), location);
  }
  const hosted = parseS3Url(`s3://my-bucket?endpoint=https://s3.example.com&pathStyle=false`);
  assert.equal(hosted.pathStyle, false);
});

test('plain HTTP is for this machine only', () => {
  for (const host of ['127.0.0.1:7480', 'localhost', '[::1]:7480', '127.9.9.9']) {
    assert.equal(parseS3Url(`s3://bucket?endpoint=http://${host}`).endpoint, `http://${host}`);
  }
  for (const host of ['s3.example.com', '10.0.0.1', '127.0.0.1.example.com', 'localhost.com']) {
    assert.match(refusal(`s3://bucket?endpoint=http://${host}`), /unencrypted; use https:/);
  }
});

test('the same objects have the same name, whatever else is said about them', () => {
  const name = (url: string): string => s3InstanceName(parseS3Url(url));
  const one = name('s3://bucket/prefix?endpoint=https://s3.example.com');
  assert.match(one, /^s3-[0-9a-f]{8}$/);
  assert.equal(
    name('s3://bucket/prefix/?region=x&profile=p&endpoint=https://s3.example.com:443/'),
    one,
  );
  const others = [
    's3://bucket/prefix?endpoint=https://s3.example.com:8443',
    's3://bucket/prefix',
    's3://bucket/other?endpoint=https://s3.example.com',
    's3://bucket2/prefix?endpoint=https://s3.example.com',
  ].map(name);
  assert.equal(new Set([one, ...others]).size, 5);
});

for (const [url, message] of [
  ['s3:bucket', /a bucket must follow, as in s3:\/\//],
  ['s3://', /a bucket must follow/],
  ['s3:///prefix', /a bucket must follow/],
  ['s3://My-Bucket', /bucket is "My-Bucket"; .* lower-case/],
  ['s3://ab', /3 to 63/],
  ['s3://a..b', /bucket is "a\.\.b"/],
  ['s3://bucket:9000/x', /bucket is "bucket:9000"/],
  ['s3://bucket/a//b', /prefix holds ""/],
  ['s3://bucket/a/../b', /prefix holds "\.\."/],
  ['s3://bucket/a b', /prefix holds "a b"/],
  [`s3://bucket/${'a'.repeat(600)}`, /600 characters; 512/],
  ['s3://bucket/x#y', /ends in #/],
  ['s3://bucket?endpiont=https://x', /parameter endpiont; known are endpoint, region/],
  ['s3://bucket?region=a&region=b', /region twice/],
  ['s3://bucket?region=', /region is empty/],
  ['s3://bucket?region=eu/west', /region is "eu\/west"/],
  ['s3://bucket?pathStyle=yes', /pathStyle is "yes"; it is true or false/],
  ['s3://bucket?profile=a%20b', /profile is "a b"/],
  ['s3://bucket?endpoint=s3.example.com', /endpoint is "s3\.example\.com", .*https:/],
  ['s3://bucket?endpoint=ftp://s3.example.com', /endpoint is "ftp:/],
  ['s3://bucket?endpoint=https://s3.example.com/bucket', /before the "\?"/],
] as const) {
  test(`${url.slice(0, 60)} is refused: ${message.source.slice(0, 40)}`, () => {
    assert.match(refusal(url), message);
  });
}

test('keys in the URL are refused, and neither the message nor the shown URL repeats them', () => {
  const secret = 'wJalrXUtnFEMI';
  for (const url of [
    `s3://AKIA:${secret}@bucket/x`,
    `s3://AKIA:${secret}@@bucket/x?region=a`,
    `s3://bucket/x?endpoint=https://AKIA:${secret}@s3.example.com`,
    `s3://bucket/x?endpoint=AKIA:${secret}@s3.example.com`,
    `s3://bucket/x?secretAccessKey=${secret}`,
    `s3://bucket/x?region=a&X-Amz-Signature=${secret}`,
    `s3://bucket/x?unknown=${secret}`,
    `s3://bucket/x#${secret}`,
    `s3://AKIA:${secret}%40bucket/x`,
    `s3://AKIA:${secret}/x`,
    `s3://bucket/x?endpoint=https://AKIA:${secret}%40s3.example.com`,
    `s3://bucket/x?endpoint=https%3A%2F%2FAKIA%3A${secret}%40s3.example.com`,
    `s3://bucket/x?endpoint=https://s3.example.com/%3FX-Amz-Signature=${secret}`,
    `s3://bucket/x?endpoint=https://s3.example.com/x?X-Amz-Signature=${secret}`,
    `s3://bucket/x?endpoint=s3.example.com?${secret}`,
    `s3://bucket/x?endpoint=https://s3.example.com%23${secret}`,
    `s3://bucket/x?region=a%26secretKey=${secret}%25`,
  ]) {
    assert.ok(!refusal(url).includes(secret), url);
    assert.ok(!redactS3Url(url).includes(secret), redactS3Url(url));
  }
  const harmless = 's3://bucket/x?endpoint=https://s3.example.com&region=a';
  assert.equal(redactS3Url(harmless), harmless);
});

test('is described without parameters', () => {
  const location = parseS3Url('s3://bucket/x?endpoint=https://s3.example.com&region=a');
  assert.equal(describeS3Location(location), 's3://bucket/x at https://s3.example.com');
  assert.equal(describeS3Location(parseS3Url('s3://bucket')), 's3://bucket');
});
