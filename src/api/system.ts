import { z } from 'zod';
import type { ApiParts } from './parts.js';
import { createReadiness } from './readiness.js';
import { defineRoute, type Route } from './route.js';

const readiness = z
  .object({ ready: z.boolean(), checks: z.record(z.string(), z.string()) })
  .meta({ id: 'Readiness' });

/** For whoever watches over the process. */
export const systemRoutes = (
  { ready, registry, clock }: ApiParts,
  document: () => string,
  readinessOf = createReadiness(ready, clock),
): Route[] => [
  defineRoute({
    method: 'get',
    path: '/livez',
    tag: 'system',
    summary: 'The process answers',
    access: 'open',
    responses: { 200: { description: 'Alive.', schema: z.object({ alive: z.literal(true) }) } },
    handle: () => ({ status: 200, body: { alive: true } }),
  }),
  defineRoute({
    method: 'get',
    path: '/readyz',
    tag: 'system',
    summary: 'The process can do its work',
    access: 'open',
    responses: {
      200: { description: 'Ready.', schema: readiness },
      503: { description: 'Not ready.', schema: readiness },
    },
    handle: async () => {
      const state = await readinessOf();
      return {
        status: state.ready ? 200 : 503,
        body: state,
        ...(state.ready ? {} : { headers: { 'Retry-After': '1' } }),
      };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/metrics',
    tag: 'system',
    summary: 'Metrics in the Prometheus text format',
    access: ['reader'],
    responses: { 200: { description: 'Metrics.', schema: z.string(), contentType: 'text/plain' } },
    handle: async () => ({
      status: 200,
      raw: { contentType: registry.contentType, content: await registry.metrics() },
    }),
  }),
  defineRoute({
    method: 'get',
    path: '/openapi.json',
    tag: 'system',
    summary: 'This document',
    access: 'open',
    responses: { 200: { description: 'OpenAPI 3.1.', schema: z.record(z.string(), z.unknown()) } },
    handle: () => ({ status: 200, raw: { contentType: 'application/json', content: document() } }),
  }),
];
