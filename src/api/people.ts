import { z } from 'zod';
import { type Person, person as personShape } from '../domain/person.js';
import { PLACE, pageSize, readCursor, toPage } from '../projections/cursor.js';
import type { Access, Erasure, VaultCaller } from '../runtime/vault.js';
import type { Caller } from './api-keys.js';
import type { ApiParts } from './parts.js';
import { rejected } from './problems.js';
import { defineRoute, type Route } from './route.js';
import { id, page, pageQuery } from './schemas.js';

/** Personal data: kept in the vault, read with a role, erased on request. Orders know a person by the customer id only. */
export const callerOf = ({ keyId, role, channel }: Caller): VaultCaller => ({
  actor: `key:${keyId}`,
  role,
  channel,
});

const params = z.strictObject({
  customerId: id.meta({
    description: 'The id that orders name. Never a mail address or a name.',
    example: 'c-17',
  }),
});

const version = z.int().meta({ description: 'Also the `ETag`; send it as `If-Match` to change the record.' });

const written = z.object({ customerId: z.string(), version }).meta({ id: 'PersonVersion' });
const kept = z
  .object({
    customerId: z.string(),
    version,
    channel: z.string().optional().meta({ description: 'The channel that wrote it first.' }),
    writtenAt: z.iso.datetime(),
    person: personShape,
  })
  .meta({ id: 'KeptPerson' });
const erasure = z
  .object({
    customerId: z.string(),
    erasedAt: z.iso.datetime(),
    erasedBy: z.string().meta({ description: 'The API key, as `key:{id}`.' }),
  })
  .meta({ id: 'Erasure' });
const access = z
  .object({
    at: z.iso.datetime(),
    actor: z.string(),
    role: z.string(),
    purpose: z.enum(['read', 'delivery']),
    orderId: z.string().optional(),
  })
  .meta({ id: 'PersonAccess' });

const ACCESSES = 'accesses';
const etag = (of: number): Record<string, string> => ({ ETag: `"${of}"` });

const viewOfAccess = ({ at, actor, role, purpose, orderId }: Access): z.input<typeof access> => ({
  at: at.toISOString(),
  actor,
  role,
  purpose,
  orderId,
});
const viewOfErasure = ({ customerId, erasedAt, erasedBy }: Erasure): z.input<typeof erasure> => ({
  customerId,
  erasedAt: erasedAt.toISOString(),
  erasedBy,
});

export const peopleRoutes = ({ vault, log }: Pick<ApiParts, 'vault' | 'log'>): Route[] => [
  defineRoute({
    method: 'put',
    path: '/v1/people/{customerId}',
    tag: 'people',
    summary: 'Keeps what is known of a person, or changes it',
    description:
      'The whole of it each time. What is there is only changed with its version in `If-Match`, so that nobody overwrites what ' +
      'they have not seen; the same content again changes nothing. A channel changes only what it wrote itself.',
    access: ['channel'],
    params,
    body: personShape,
    versioned: true,
    responses: {
      200: { description: 'Changed, or it was so already.', schema: written },
      201: { description: 'Kept.', schema: written },
    },
    problems: [
      'forbidden_channel',
      'person_erased',
      'stale_version',
      'version_required',
      'invalid_header',
      'vault_closed',
      'database_unavailable',
    ],
    handle: async ({ params: { customerId }, body, caller, expectedVersion }) => {
      const person: Person = body;
      const result = await vault.write(customerId, person, callerOf(caller), expectedVersion);
      if ('code' in result) throw rejected(result);
      return {
        status: result.change === 'created' ? 201 : 200,
        body: { customerId, version: result.version },
        headers: etag(result.version),
      };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/people/{customerId}',
    tag: 'people',
    summary: 'What is known of a person',
    description: 'Each read is recorded: see `/access`. A channel reads only what it wrote itself.',
    access: ['privacy', 'channel'],
    params,
    query: z.strictObject({}),
    responses: { 200: { description: 'The record.', schema: kept } },
    problems: [
      'unknown_person',
      'person_erased',
      'vault_closed',
      'vault_key_unknown',
      'vault_record_invalid',
      'database_unavailable',
    ],
    handle: async ({ params: { customerId }, caller }) => {
      const found = await vault.read(customerId, callerOf(caller), { purpose: 'read' });
      if ('code' in found) throw rejected(found);
      const { writtenAt, ...rest } = found;
      return {
        status: 200,
        body: { ...rest, writtenAt: writtenAt.toISOString() },
        headers: etag(found.version),
      };
    },
  }),
  defineRoute({
    method: 'delete',
    path: '/v1/people/{customerId}',
    tag: 'people',
    summary: 'Erases a person',
    description:
      'Deletes the record and its key, and refuses the id from now on; orders, entries and totals stay as they are. Whoever was ' +
      'never known can be erased too. Sent twice it is done once.',
    access: ['privacy'],
    params,
    responses: { 200: { description: 'Erased, now or before.', schema: erasure } },
    problems: ['database_unavailable'],
    handle: async ({ params: { customerId }, caller }) => {
      const done = await vault.erase(customerId, { actor: `key:${caller.keyId}` });
      // A second place that knows of it, for a database that is restored from before.
      log.info({ customerId, erasedAt: done.erasedAt, erasedBy: done.erasedBy }, 'a person was erased');
      return { status: 200, body: viewOfErasure(done) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/people/{customerId}/access',
    tag: 'people',
    summary: 'Who read what is known of a person, the latest first',
    description: 'Two years back. It stays when the person is erased.',
    access: ['privacy'],
    params,
    query: z.strictObject(pageQuery),
    responses: { 200: { description: 'A page.', schema: page(access) } },
    problems: ['invalid_cursor', 'database_unavailable'],
    handle: async ({ params: { customerId }, query }) => {
      const size = pageSize(query);
      const [before] = readCursor(ACCESSES, query, [PLACE]) ?? [];
      const rows = await vault.accesses(customerId, {
        before: before === undefined ? undefined : BigInt(before),
        limit: size + 1,
      });
      return { status: 200, body: toPage(ACCESSES, rows, size, (row) => [`${row.id}`], viewOfAccess) };
    },
  }),
];
