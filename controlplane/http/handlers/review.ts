// POST to the kinds that are questions: TokenReview, SelfSubjectReview, and those about access. The answer is 201 and the object with
// its status; nothing is stored.
import { invalid } from '../../api/errors.ts';
import type { KubernetesObject } from '../../api/object.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import { pruneUnknown } from '../../api/schema/prune.ts';
import { validateSchema } from '../../api/schema/validate.ts';
import { formatTimestamp } from '../../api/timestamps.ts';
import { reviewAccess, reviewOwnAccess, reviewOwnRules } from '../../rbac/access-review.ts';
import { acceptBody, matchNamespace } from '../../registry/body.ts';
import { reportProblems, strictBodyError } from '../../registry/problems.ts';
import { reviewToken, userInfoOf } from '../../tokens/review-token.ts';

import type { Handler, RequestContext } from '../context.ts';
import { decodeObject } from '../decode-request.ts';
import { negotiatePlain } from '../negotiate.ts';
import { readBody } from '../request-body.ts';
import { sendValue } from '../send-object.ts';
import type { Services } from '../services.ts';
import { writeContextOf } from '../write-options.ts';
import { definitionOf } from './get.ts';

type Review = (
  services: Services,
  context: RequestContext,
  definition: ResourceDefinition,
  object: KubernetesObject,
) => KubernetesObject | Promise<KubernetesObject>;

const REVIEWS: Readonly<Record<string, Review>> = {
  selfsubjectreviews: ({ clock }, { user }, _definition, object) => ({
    ...object,
    metadata: { ...object.metadata, creationTimestamp: formatTimestamp(clock.now()) },
    status: { userInfo: userInfoOf(user) },
  }),
  tokenreviews: ({ tokens }, _context, definition, object) =>
    reviewToken(tokens.authenticator, definition, object),
  selfsubjectaccessreviews: ({ authorizer }, { user }, definition, object) =>
    reviewOwnAccess(authorizer, definition, object, user),
  subjectaccessreviews: ({ authorizer }, { info }, definition, object) =>
    reviewAccess(authorizer, definition, object, info.namespace),
  localsubjectaccessreviews: ({ authorizer }, { info }, definition, object) =>
    reviewAccess(authorizer, definition, object, info.namespace),
  selfsubjectrulesreviews: ({ rbac }, { user }, _definition, object) =>
    reviewOwnRules(rbac, object, user),
};

/** True for kinds that are only asked. */
export function isReview({ group, resource }: ResourceDefinition): boolean {
  return (
    (group === 'authentication.k8s.io' || group === 'authorization.k8s.io') &&
    Object.hasOwn(REVIEWS, resource)
  );
}

export function reviewHandler(services: Services): Handler {
  return async (context) => {
    const definition = definitionOf(context);
    const representation = negotiatePlain(context.request.headers.accept);
    const write = writeContextOf(context, 'CreateOptions');
    const { object, problems } = decodeObject(context, await readBody(context.request), definition);
    acceptBody(definition, object);
    matchNamespace(definition, object, context.info.namespace);
    const dropped = pruneUnknown(definition.schema, object);
    reportProblems(problems, dropped, write, strictBodyError(definition));
    const errors = validateSchema(definition.schema, object, '');
    // What a token looks like is in no error.
    if (errors.length > 0)
      throw invalid(
        definition,
        '',
        errors.map((error) => ({ ...error, message: 'Invalid value: wrong type' })),
      );
    const review = REVIEWS[definition.resource];
    if (review === undefined) throw new TypeError('routed without a review');
    const target = { definition, namespace: context.info.namespace, name: '' };
    const wanted = await services.registry.admit('CREATE', target, '', object, write);
    const answer = await review(services, context, definition, wanted);
    await sendValue(context, 201, representation, answer);
  };
}
