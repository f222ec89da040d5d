// Headers of requests: what a body is, and which form of answer is asked for. Pure.
import type { ClientPatchType, Selectors } from './client-types.ts';

export const PATCH_CONTENT_TYPES: Readonly<Record<ClientPatchType, string>> = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
};

export const JSON_BODY = { 'content-type': 'application/json' };

export function acceptHeader(
  { metadataOnly = false }: Selectors,
  as: string,
): Record<string, string> {
  return metadataOnly
    ? { accept: `application/json;as=${as};g=meta.k8s.io;v=v1,application/json` }
    : {};
}

export const BYTES_BODY: Readonly<Record<string, string>> = {
  'content-type': 'application/octet-stream',
};
