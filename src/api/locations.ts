import { z } from 'zod';
import { type LocationSettings, location } from '../domain/location.js';
import { findLocation, listLocations } from '../projections/locations.js';
import { decided } from './answers.js';
import type { ApiParts } from './parts.js';
import { Problem } from './problems.js';
import { defineRoute, type Route } from './route.js';
import { slug, text } from './schemas.js';

const body = z.strictObject({
  name: text.max(200),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/, 'an ISO 3166 alpha-2 code')
    .optional(),
});
const view = z.object({ id: z.string(), ...body.shape }).meta({ id: 'Location' });
const viewOf = (locationId: string, { name, country }: LocationSettings) => ({
  id: locationId,
  name,
  country,
});

export const locationRoutes = ({ bus, db }: ApiParts): Route[] => [
  defineRoute({
    method: 'put',
    path: '/v1/locations/{id}',
    tag: 'locations',
    summary: 'Sets up a location, or changes it',
    access: [],
    params: z.strictObject({ id: slug }),
    body,
    idempotent: true,
    responses: {
      200: { description: 'It was so already.', schema: view },
      201: { description: 'Written.', schema: view },
    },
    handle: async (call) => {
      const { params, body: settings } = call;
      const command = { type: 'configure', settings } as const;
      const result = await bus.execute(location, params.id, command, call.context());
      return decided(result, viewOf(params.id, settings));
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/locations/{id}',
    tag: 'locations',
    summary: 'A location',
    access: ['channel', 'warehouse', 'finance', 'reader'],
    params: z.strictObject({ id: slug }),
    query: z.strictObject({}),
    awaitable: true,
    responses: { 200: { description: 'Its settings.', schema: view } },
    problems: ['unknown_location'],
    handle: async ({ params }) => {
      const found = await findLocation(db, params.id);
      if (found === undefined) throw new Problem('unknown_location', `there is no location ${params.id}`);
      return { status: 200, body: viewOf(params.id, found) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/locations',
    tag: 'locations',
    summary: 'All locations',
    access: ['channel', 'warehouse', 'finance', 'reader'],
    query: z.strictObject({}),
    awaitable: true,
    responses: { 200: { description: 'By id.', schema: z.object({ items: z.array(view) }) } },
    handle: async () => {
      const all = await listLocations(db);
      return { status: 200, body: { items: all.map((one) => viewOf(one.location, one)) } };
    },
  }),
];
