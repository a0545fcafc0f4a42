import express, { type Express, type Request, type Response } from 'express';
import { allowanceRoutes } from './allowances.js';
import { createApiKeys } from './api-keys.js';
import { backorderRoutes } from './backorders.js';
import { channelRateRoutes } from './channel-rates.js';
import { channelRoutes } from './channels.js';
import { consignmentRoutes } from './consignments.js';
import { couponRoutes } from './coupons.js';
import { creditNoteRoutes } from './credit-notes.js';
import { deliveryAddressRoutes } from './delivery-address.js';
import { createDispatch } from './dispatch.js';
import { docsRouter } from './docs.js';
import { exchangeRoutes } from './exchanges.js';
import { keyRoutes } from './keys.js';
import { ledgerRoutes } from './ledger.js';
import { locationRoutes } from './locations.js';
import { createHttpMetrics } from './metrics.js';
import { openApiDocument } from './openapi.js';
import { orderActionRoutes } from './order-actions.js';
import { orderChangeRoutes } from './order-changes.js';
import { orderQueryRoutes } from './order-queries.js';
import { orderSplitRoutes } from './order-splits.js';
import { orderTimelineRoutes } from './order-timeline.js';
import { orderRoutes } from './orders.js';
import { API_LIMITS, type ApiParts } from './parts.js';
import { paymentRoutes } from './payments.js';
import { peopleRoutes } from './people.js';
import { Problem, problemOf, sendProblem } from './problems.js';
import { createMemoryRateLimiter } from './rate-limit.js';
import { refundRoutes } from './refunds.js';
import { reportRoutes } from './reports.js';
import { returnListRoutes } from './return-lists.js';
import { returnRoutes } from './returns.js';
import { reviewRuleRoutes } from './review-rules.js';
import { reviewRoutes } from './reviews.js';
import type { Method, Route } from './route.js';
import { stockRoutes } from './stock.js';
import { systemRoutes } from './system.js';
import { workQueueRoutes } from './work-queues.js';

/** Requests with a wrong key that one address may make in a second. */
export const FAILED_KEYS_PER_SECOND = 200;

const VERSION = '0.1.0';

const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
};

/** All routes with their schemas and handlers: what validates, what documents, what the tests walk. */
const routesOf = (parts: ApiParts, keys: ReturnType<typeof createApiKeys>): Route[] => {
  const limits = { ...API_LIMITS, ...parts.limits };
  let document: string | undefined;
  const routes: Route[] = [
    ...orderQueryRoutes(parts),
    ...orderRoutes(parts, limits),
    ...orderTimelineRoutes(parts),
    ...workQueueRoutes(parts, () => routes),
    ...orderSplitRoutes(parts),
    ...consignmentRoutes(parts),
    ...orderActionRoutes(parts),
    ...orderChangeRoutes(parts),
    ...backorderRoutes(parts),
    ...reviewRoutes(parts),
    ...reviewRuleRoutes(parts),
    ...returnRoutes(parts),
    ...returnListRoutes(parts),
    ...allowanceRoutes(parts),
    ...exchangeRoutes(parts),
    ...peopleRoutes(parts),
    ...deliveryAddressRoutes(parts),
    ...paymentRoutes(parts),
    ...refundRoutes(parts),
    ...stockRoutes(parts),
    ...channelRoutes(parts),
    ...channelRateRoutes(parts),
    ...locationRoutes(parts),
    ...couponRoutes(parts),
    ...creditNoteRoutes(parts),
    ...ledgerRoutes(parts),
    ...reportRoutes(parts),
    ...keyRoutes(parts, keys),
    ...systemRoutes(parts, () => {
      document ??= JSON.stringify(openApiDocument(routes, parts.version ?? VERSION));
      return document;
    }),
  ];
  return routes;
};

const allowOf = (methods: readonly Method[]): string =>
  [...methods.map((method) => method.toUpperCase()), ...(methods.includes('get') ? ['HEAD'] : [])].join(', ');

/**
 * The HTTP door. Every route goes through one dispatch (dispatch.ts); what is no route, no JSON, no HTTP ends in a problem too.
 */
export const createApi = (parts: ApiParts): Express => {
  const keys = createApiKeys(parts.db);
  const { requestsPerSecond } = { ...API_LIMITS, ...parts.limits };
  const dispatch = createDispatch({
    keys,
    requests: parts.rateLimiter ?? createMemoryRateLimiter(requestsPerSecond),
    failures: createMemoryRateLimiter(FAILED_KEYS_PER_SECOND),
    waiter: parts.waiter,
    clock: parts.clock,
    log: parts.log,
    metrics: createHttpMetrics(parts.registry),
  });

  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.set('case sensitive routing', true);
  app.set('strict routing', true);
  app.use((_, response, next) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    next();
  });

  const byPath = new Map<string, Route[]>();
  for (const route of routesOf(parts, keys)) {
    byPath.set(route.path, [...(byPath.get(route.path) ?? []), route]);
  }
  for (const [path, routes] of byPath) {
    const at = app.route(path.replaceAll(/\{(\w+)\}/g, ':$1'));
    for (const route of routes) at[route.method](dispatch(route));
    const allow = allowOf(routes.map(({ method }) => method));
    at.all((request: Request) => {
      throw new Problem('method_not_allowed', `${request.method} is not for this route`, {
        headers: { Allow: allow },
      });
    });
  }
  app.use('/docs', docsRouter());

  app.use((request: Request) => {
    throw new Problem('unknown_route', `there is no ${request.method} ${request.path}`);
  });
  // Express knows an error handler by its four parameters.
  app.use((error: unknown, _request: Request, response: Response, _next: unknown) => {
    const requestId = String(response.getHeader('X-Request-Id') ?? 'none');
    const malformed =
      error instanceof URIError || (error instanceof Error && 'status' in error && error.status === 400);
    const problem = malformed ? new Problem('unknown_route', 'the path cannot be decoded') : problemOf(error);
    if (problem.status >= 500) parts.log.error({ requestId, err: problem.extras.cause }, problem.message);
    sendProblem(response, problem, requestId);
  });
  return app;
};
