// Checks that what a root is made of can be had, without fetching it.
import type { HttpFetcher } from '../binaries/http-fetcher.ts';
import { redactURL } from '../binaries/redact-url.ts';
import {
  cniURL,
  containerdURL,
  crictlURL,
  KUBERNETES_BINARIES,
  kubernetesBinaryURL,
  runcURL,
} from './download-urls.ts';
import type { RootFS } from './goal-state.ts';
import { resolveImageManifest } from './image-source.ts';
import type { ImageOpener } from './open-image.ts';
import { failure, ok } from './preflight.ts';
import type { Checker, CheckResult } from './preflight.ts';

type Prober = Pick<HttpFetcher, 'probe'>;
type Probed = { readonly what: string; readonly url: string };

/** One probe for each binary, none for its digest. */
export function checkKubernetesArtifacts(http: Prober, goal: RootFS): Checker {
  const { kubernetes, architecture, downloads } = goal;
  return urlChecker('kubernetes-artifacts', http, goal, () =>
    KUBERNETES_BINARIES.map((what) => ({
      what,
      url: kubernetesBinaryURL(
        what,
        kubernetes?.kubernetesVersion ?? '',
        architecture,
        downloads.kubernetes,
      ),
    })),
  );
}

export function checkCRIArtifacts(http: Prober, goal: RootFS): Checker {
  const { kubernetes, architecture, downloads } = goal;
  return urlChecker('cri-artifacts', http, goal, () => [
    {
      what: 'containerd',
      url: containerdURL(kubernetes?.containerdVersion ?? '', architecture, downloads.containerd),
    },
    { what: 'runc', url: runcURL(kubernetes?.runcVersion ?? '', architecture, downloads.runc) },
    {
      what: 'crictl',
      url: crictlURL(kubernetes?.crictlVersion ?? '', architecture, downloads.crictl),
    },
  ]);
}

export function checkCNIArtifacts(http: Prober, goal: RootFS): Checker {
  const { kubernetes, architecture, downloads } = goal;
  return urlChecker('cni-artifacts', http, goal, () => [
    { what: 'cni-plugins', url: cniURL(kubernetes?.cniVersion ?? '', architecture, downloads.cni) },
  ]);
}

/** Resolves the manifest for the machine's platform; no layer is read. */
export function checkOCIImageReachable(images: ImageOpener, goal: RootFS | undefined): Checker {
  return {
    name: 'oci-image-reachable',
    async check(signal) {
      if (goal === undefined)
        return [failure('', 'OCI rootfs image is required: there is no goal')];
      const { image, architecture } = goal;
      if (image === '') return [ok('debootstrap', 'no image is used')];
      try {
        await using opened = await images.open(image, signal);
        const wanted = { architecture, tag: opened.tag };
        const { digest } = await resolveImageManifest(opened.source, wanted, signal);
        return [ok(image, `is there as ${digest}`)];
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        return [
          failure(
            image,
            `OCI rootfs image is required: ${error instanceof Error ? error.message : String(error)}`,
          ),
        ];
      }
    },
  };
}

function urlChecker(
  name: string,
  http: Prober,
  { kubernetes }: RootFS,
  probes: () => readonly Probed[],
): Checker {
  return {
    name,
    async check(signal) {
      if (kubernetes === undefined)
        return [ok('', 'the machine is to be no node: nothing is needed')];
      return Promise.all(
        probes().map(async ({ what, url }): Promise<Omit<CheckResult, 'name'>> => {
          const { isReachable, message } = await http.probe({ url }, signal);
          const target = `${what} ${redactURL(url)}`;
          return isReachable ? ok(target, 'can be had') : failure(target, message);
        }),
      );
    },
  };
}
