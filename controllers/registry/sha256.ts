// The digest by which registries name content.
import { createHash } from 'node:crypto';

/** `sha256:…` */
export function sha256(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}
