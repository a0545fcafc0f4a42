import { z } from 'zod';
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponseObject,
} from 'zod-openapi';
import { PROBLEMS, type ProblemCode } from './problems.js';
import type { Route } from './route.js';
import { position } from './schemas.js';

const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]), // keys of a literal: never empty
    detail: z.string(),
    instance: z.string(),
    errors: z
      .array(
        z.object({
          path: z.string().meta({ description: 'JSON pointer to the field.' }),
          in: z.enum(['body', 'query', 'path', 'header']),
          code: z.string(),
          message: z.string(),
        }),
      )
      .optional(),
    details: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details; `code` is stable.' });

const WRITE_PROBLEMS: readonly ProblemCode[] = [
  'invalid_json',
  'body_too_large',
  'unsupported_media_type',
  'command_queue_full',
  'stream_contended',
  'event_store_unavailable',
];

const problemsOf = (route: Route): ProblemCode[] => [
  ...(route.access === 'open' ? [] : (['unauthenticated', 'forbidden', 'too_many_requests'] as const)),
  ...(route.params === undefined && route.query === undefined && route.body === undefined
    ? []
    : (['invalid_request'] as const)),
  ...(route.body === undefined ? [] : WRITE_PROBLEMS),
  ...(route.idempotent ? (['idempotency_key_reused'] as const) : []),
  ...(route.awaitable ? (['not_yet_visible'] as const) : []),
  ...(route.problems ?? []),
];

const responsesOf = (route: Route): Record<`${1 | 2 | 3 | 4 | 5}${string}`, ZodOpenApiResponseObject> => {
  const responses: Record<string, ZodOpenApiResponseObject> = {};
  for (const [status, { description, schema, contentType }] of Object.entries(route.responses)) {
    responses[status] = {
      description,
      ...(schema === undefined ? {} : { content: { [contentType ?? 'application/json']: { schema } } }),
      ...(route.idempotent
        ? {
            headers: z.object({
              'Event-Position': position.optional(),
              'Idempotent-Replayed': z
                .literal('true')
                .optional()
                .meta({ description: 'On a repeat of what was already done.' }),
            }),
          }
        : {}),
    };
  }
  const byStatus = new Map<number, Set<ProblemCode>>();
  for (const code of problemsOf(route)) {
    const [status] = PROBLEMS[code];
    byStatus.set(status, (byStatus.get(status) ?? new Set()).add(code));
  }
  for (const [status, codes] of byStatus) {
    responses[status] = {
      description: [...codes].map((code) => `\`${code}\`: ${PROBLEMS[code][1]}.`).join(' '),
      content: { 'application/problem+json': { schema: problem } },
    };
  }
  return responses;
};

const idempotencyHeader = z.object({
  'Idempotency-Key': z
    .string()
    .regex(/^[\x21-\x7e]{1,128}$/)
    .optional()
    .meta({
      description: 'The same key with the same request is done once; needed where the body brings no id.',
    }),
});

const versionHeader = z.object({
  'If-Match': z
    .string()
    .regex(/^"\d{1,9}"$/)
    .optional()
    .meta({ description: 'The `ETag` of what was read; needed to change what is there.', example: '"1"' }),
});

const operationOf = (route: Route): ZodOpenApiOperationObject => {
  const query = route.awaitable
    ? (route.query ?? z.object({})).safeExtend({
        after: position
          .optional()
          .meta({ description: 'Waits until the read models have reached this position, else 503.' }),
      })
    : route.query;
  return {
    tags: [route.tag],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    requestParams: {
      ...(route.params === undefined ? {} : { path: route.params }),
      ...(query === undefined ? {} : { query }),
      ...(route.idempotent ? { header: idempotencyHeader } : {}),
      ...(route.versioned ? { header: versionHeader } : {}),
    },
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: route.body } } } }),
    responses: responsesOf(route),
    ...(route.access === 'open' ? { security: [] } : { 'x-roles': ['admin', ...route.access] }),
  };
};

/** The OpenAPI 3.1 document of the routes: from the same schemas that validate. */
export const openApiDocument = (
  routes: readonly Route[],
  version: string,
): ReturnType<typeof createDocument> => {
  const paths: ZodOpenApiPathsObject = {};
  for (const route of routes) {
    if (route.internal) continue;
    paths[route.path] = { ...paths[route.path], [route.method]: operationOf(route) };
  }
  return createDocument({
    openapi: '3.1.1',
    info: {
      title: 'Holdfast',
      version,
      description:
        'Orders, stock, coupons and ledgers. Amounts are decimal strings with a currency. Every answer of a command has an ' +
        '`Event-Position`; a query with `?after=` that position sees it. Problems are RFC 9457 with a stable `code`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    security: [{ key: [] }],
    components: {
      securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'An API key.' } },
    },
    paths,
  });
};
