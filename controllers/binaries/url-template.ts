// URLs with holes for version and platform, and the layout of GitHub's releases. Pure.

export interface TemplateValues {
  readonly version: string;
  /** As Go spells it. */
  readonly architecture: string;
  readonly os: string;
}

/** `%v` version (escaped), `%p` architecture, `%x` `.exe` on Windows, `%%` a percent sign; `%20` and the like stay. */
export function expandTemplate(template: string, values: TemplateValues): string {
  return template.replaceAll(/%[%vpx]/g, (token) => {
    switch (token) {
      case '%v':
        return encodeURIComponent(values.version);
      case '%p':
        return values.architecture;
      case '%x':
        return values.os === 'windows' ? '.exe' : '';
      default:
        return '%';
    }
  });
}

export interface GitHubRelease {
  readonly owner: string;
  readonly repository: string;
  /** A template; the version by default. */
  readonly tag?: string;
  /** Name of the file; a template. */
  readonly asset: string;
}

export const GITHUB = 'https://github.com';

/** `<base>/<owner>/<repository>/releases/download/<tag>/<asset>` */
export function gitHubURL(release: GitHubRelease, values: TemplateValues, base = GITHUB): string {
  const { owner, repository, tag = '%v', asset } = release;
  const folder = `${withoutSlash(base)}/${encodeURIComponent(owner)}/${encodeURIComponent(repository)}`;
  return `${folder}/releases/download/${expandTemplate(tag, values)}/${expandTemplate(asset, values)}`;
}

/** The same path below another base: how mirrors keep the layout of what they mirror. */
export function mirrorURL(base: string, original: string): string {
  const { pathname, search } = new URL(original);
  return `${withoutSlash(base)}${pathname}${search}`;
}

function withoutSlash(base: string): string {
  return base.replace(/\/+$/, '');
}
