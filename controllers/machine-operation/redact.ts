// Takes out of logs what looks like a secret. It knows forms, not values: whoever shares an archive still reads it first.

const HIDDEN = '[redacted]';

const RULES: readonly { readonly pattern: RegExp; readonly by: string }[] = [
  {
    pattern: /-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----[\s\S]*?(-----END \1-----|$)/g,
    by: `-----BEGIN $1----- ${HIDDEN}`,
  },
  // JSON Web Tokens, as of service accounts.
  { pattern: /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, by: HIDDEN },
  // Bootstrap tokens.
  { pattern: /\b[a-z0-9]{6}\.[a-z0-9]{16}\b/g, by: HIDDEN },
  { pattern: /\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, by: `$1 ${HIDDEN}` },
  { pattern: /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:@/]*):[^\s@/]+@/gi, by: `$1:${HIDDEN}@` },
  // Query parameters of signed URLs.
  {
    pattern:
      /([?&](?:X-Amz-Signature|X-Amz-Credential|sig|signature|token|access_token)=)[^&\s"']+/gi,
    by: `$1${HIDDEN}`,
  },
  { pattern: /\b(AKIA|ASIA)[A-Z0-9]{16}\b/g, by: HIDDEN },
  {
    pattern:
      /((?:password|passwd|passphrase|secret|token|api[-_]?key|client-key-data|private[-_]?key)["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;}"']+)/gi,
    by: `$1${HIDDEN}`,
  },
  { pattern: /(--(?:password|token|secret|api-key)[= ])\S+/gi, by: `$1${HIDDEN}` },
];

export function redact(text: string): string {
  return RULES.reduce((left, { pattern, by }) => left.replace(pattern, by), text);
}
