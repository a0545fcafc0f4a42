import { z } from 'zod';
import { channel } from '../domain/channel.js';
import { type ApiKey, type ApiKeys, KEY_ROLES } from './api-keys.js';
import type { ApiParts } from './parts.js';
import { Problem } from './problems.js';
import { defineRoute, type Route } from './route.js';
import { id, slug } from './schemas.js';

const role = z.enum(KEY_ROLES);

const body = z
  .strictObject({ role, channel: slug.optional() })
  .refine((key) => (key.role === 'channel') === (key.channel !== undefined), {
    path: ['channel'],
    message: 'for the role channel, and for no other',
  });

const view = z
  .object({
    id: z.string(),
    role,
    channel: z.string().optional(),
    createdAt: z.iso.datetime(),
    revokedAt: z.iso.datetime().optional(),
  })
  .meta({ id: 'ApiKey' });

const created = z
  .object({
    id: z.string(),
    role,
    channel: z.string().optional(),
    secret: z.string().meta({ description: 'Shown once; send it as `Authorization: Bearer`.' }),
  })
  .meta({ id: 'NewApiKey' });

const viewOf = ({ keyId, role: of, channel: own, createdAt, revokedAt }: ApiKey) => ({
  id: keyId,
  role: of,
  channel: own,
  createdAt: createdAt.toISOString(),
  revokedAt: revokedAt?.toISOString(),
});

/** Keys are no facts of the business: they live in PostgreSQL and not in the log. */
export const keyRoutes = ({ bus }: ApiParts, keys: ApiKeys): Route[] => [
  defineRoute({
    method: 'post',
    path: '/v1/keys',
    tag: 'keys',
    summary: 'Makes an API key',
    description: 'Sent twice it makes two keys; revoke the one that got lost.',
    access: [],
    body,
    responses: { 201: { description: 'Made. The secret is never shown again.', schema: created } },
    problems: ['unknown_channel'],
    handle: async ({ body: asked }) => {
      if (asked.channel !== undefined && (await bus.load(channel, asked.channel)).state === null) {
        throw new Problem('unknown_channel', `there is no channel ${asked.channel}`);
      }
      const { keyId, secret } = await keys.create(asked.role, asked.channel);
      return {
        status: 201,
        body: { id: keyId, role: asked.role, channel: asked.channel, secret },
        headers: { Location: `/v1/keys/${keyId}`, 'Cache-Control': 'no-store' },
      };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/keys',
    tag: 'keys',
    summary: 'All API keys, without their secrets',
    access: [],
    query: z.strictObject({}),
    responses: { 200: { description: 'Oldest first.', schema: z.object({ items: z.array(view) }) } },
    handle: async () => ({ status: 200, body: { items: (await keys.list()).map(viewOf) } }),
  }),
  defineRoute({
    method: 'delete',
    path: '/v1/keys/{id}',
    tag: 'keys',
    summary: 'Revokes an API key',
    description: 'Other API processes refuse it within seconds.',
    access: [],
    params: z.strictObject({ id }),
    responses: { 204: { description: 'Revoked.' } },
    problems: ['unknown_key'],
    handle: async ({ params }) => {
      if (!(await keys.revoke(params.id))) throw new Problem('unknown_key', 'there is no such key');
      return { status: 204 };
    },
  }),
];
