// What spec.conversion of a CustomResourceDefinition must keep to: rules and messages after upstream's apiextensions validation.
import type { FieldError } from './errors.ts';
import { forbiddenField, invalidField, requiredField, unsupportedField } from './field-errors.ts';
import { fieldAt, listAt, numberAt, stringAt } from './fields.ts';
import { checkDNS1035Label } from './names.ts';

const STRATEGIES = ['None', 'Webhook'];
const REVIEW_VERSIONS: readonly unknown[] = ['v1', 'v1beta1'];
const CLIENT = 'spec.conversion.webhook.clientConfig';
const REVIEWS = 'spec.conversion.webhook.conversionReviewVersions';

/** @param conversion `spec.conversion` */
export function validateConversion(conversion: unknown): FieldError[] {
  const strategy = stringAt(conversion, 'strategy');
  if (strategy !== '' && !STRATEGIES.includes(strategy)) {
    return [unsupportedField('spec.conversion.strategy', strategy, STRATEGIES)];
  }
  const client = fieldAt(conversion, 'webhook', 'clientConfig');
  const reviews = listAt(conversion, 'webhook', 'conversionReviewVersions');
  if (strategy === 'Webhook') return [...validateClient(client), ...validateReviews(reviews)];
  const detail = 'should not be set when strategy is not set to Webhook';
  return [
    ...(client === undefined ? [] : [forbiddenField(CLIENT, detail)]),
    ...(reviews.length === 0 ? [] : [forbiddenField(REVIEWS, detail)]),
  ];
}

function validateClient(client: unknown): FieldError[] {
  if (client === undefined) {
    return [requiredField(CLIENT, 'required when strategy is set to Webhook')];
  }
  const url = fieldAt(client, 'url');
  const service = fieldAt(client, 'service');
  if ((url === undefined) === (service === undefined)) {
    return [requiredField(CLIENT, 'exactly one of url or service is required')];
  }
  return service === undefined ? validateUrl(String(url)) : validateService(service);
}

function validateUrl(url: string): FieldError[] {
  const at = `${CLIENT}.url`;
  const form = 'desired format: https://host[/path]';
  const parsed = URL.parse(url);
  if (parsed === null) return [invalidField(at, url, `url must be a valid URL; ${form}`)];
  const errors: FieldError[] = [];
  if (parsed.protocol !== 'https:') {
    const detail = `'https' is the only allowed URL scheme; ${form}`;
    errors.push(invalidField(at, parsed.protocol.slice(0, -1), detail));
  }
  if (parsed.hostname === '') errors.push(invalidField(at, '', `host must be specified; ${form}`));
  // What stands there may be a secret: it is not repeated.
  const { username, password, hash, search } = parsed;
  if (username !== '' || password !== '') {
    errors.push(forbiddenField(at, 'user information is not permitted in the URL'));
  }
  if (hash !== '') {
    errors.push(invalidField(at, hash.slice(1), 'fragments are not permitted in the URL'));
  }
  if (search !== '') {
    errors.push(invalidField(at, search.slice(1), 'query parameters are not permitted in the URL'));
  }
  return errors;
}

function validateService(service: unknown): FieldError[] {
  const at = `${CLIENT}.service`;
  const errors: FieldError[] = [];
  for (const field of ['name', 'namespace']) {
    if (stringAt(service, field) === '') errors.push(requiredField(`${at}.${field}`));
  }
  const port = fieldAt(service, 'port') === undefined ? 443 : numberAt(service, 'port');
  if (port < 1 || port > 65_535) {
    const detail = 'port is not valid: must be between 1 and 65535, inclusive';
    errors.push(invalidField(`${at}.port`, port, detail));
  }
  const path = stringAt(service, 'path');
  if (path !== '' && !path.startsWith('/')) {
    errors.push(invalidField(`${at}.path`, path, "must start with a '/'"));
  }
  return errors;
}

function validateReviews(versions: readonly unknown[]): FieldError[] {
  if (versions.length === 0) return [requiredField(REVIEWS)];
  const errors: FieldError[] = [];
  const seen = new Set<unknown>();
  for (const [at, version] of versions.entries()) {
    const wrong = checkDNS1035Label(String(version));
    if (seen.has(version)) {
      errors.push(invalidField(`${REVIEWS}[${at}]`, version, 'duplicate version'));
    } else if (wrong !== undefined) {
      errors.push(invalidField(`${REVIEWS}[${at}]`, version, wrong));
    }
    seen.add(version);
  }
  if (errors.length === 0 && !versions.some((version) => REVIEW_VERSIONS.includes(version))) {
    errors.push(invalidField(REVIEWS, versions, 'must include at least one of v1, v1beta1'));
  }
  return errors;
}
