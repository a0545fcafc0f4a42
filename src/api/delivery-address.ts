import { z } from 'zod';
import { order } from '../domain/order.js';
import { isReaddressed } from '../domain/order-state.js';
import { address, addressOf, fullName } from '../domain/person.js';
import { SETTINGS_AGE_MAX_MS } from './channels.js';
import { orderIdFor, unknownOrder } from './order-view.js';
import { orderParams } from './orders.js';
import type { ApiParts } from './parts.js';
import { callerOf } from './people.js';
import { Problem, rejected } from './problems.js';
import { defineRoute, type Route } from './route.js';

const view = z
  .object({
    orderId: z.string(),
    name: z.string().meta({ description: 'Who receives it.' }),
    address,
    phone: z.string().optional().meta({ description: 'The first that is known.' }),
  })
  .meta({ id: 'DeliveryAddress' });

const noAddress = (what: string): Problem => new Problem('no_delivery_address', what);

/** What whoever ships an order must know of the person, and no more. */
export const deliveryAddressRoutes = ({ bus, vault }: Pick<ApiParts, 'bus' | 'vault'>): Route[] => [
  defineRoute({
    method: 'get',
    path: '/v1/orders/{id}/delivery-address',
    tag: 'people',
    summary: 'Where a confirmed order goes to',
    description:
      "The customer's address that the order names in `destination.deliveryAddressId`; the only one there is when it names none; " +
      'none where a change says where it goes and does not name one. ' +
      'Each read is recorded with the order. A channel reads it where it wrote the person itself.',
    access: ['warehouse', 'channel'],
    params: orderParams,
    query: z.strictObject({}),
    responses: { 200: { description: 'The address as it is now.', schema: view } },
    problems: [
      'unknown_order',
      'wrong_status',
      'no_delivery_address',
      'unknown_person',
      'person_erased',
      'vault_closed',
      'vault_key_unknown',
      'vault_record_invalid',
      'event_store_unavailable',
      'database_unavailable',
    ],
    handle: async ({ params, caller }) => {
      const orderId = orderIdFor(params.id, caller);
      const { state } = await bus.load(order, orderId, { maxAgeMs: SETTINGS_AGE_MAX_MS });
      if (state.placed === undefined) throw unknownOrder();
      if (state.status !== 'confirmed' && state.status !== 'completed') {
        throw new Problem('wrong_status', `the order is ${state.status}: nothing of it is shipped`);
      }
      const { customerId, destination } = state.placed;
      if (customerId === undefined) throw noAddress('the order names no customer');
      const addressId = destination?.deliveryAddressId;
      if (addressId === undefined && isReaddressed(state)) {
        // The only address that is known may be the one that it was to go to before.
        throw noAddress('a change says where the order goes, and names no address of the customer');
      }
      const reason = { purpose: 'delivery', orderId } as const;
      const found = await vault.read(customerId, callerOf(caller), reason);
      if ('code' in found) throw rejected(found);
      const { person } = found;
      const to = addressOf(person, addressId);
      if (to === undefined) throw noAddress('the order names no address that the customer has');
      const [phone] = person.phones ?? [];
      return {
        status: 200,
        body: { orderId, name: to.recipient ?? fullName(person.name), address: to, phone },
      };
    },
  }),
];
