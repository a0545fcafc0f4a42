import { expect, test } from '@jest/globals';
import type { Client } from './client.js';
import { COMMAND_KINDS, type Command } from './history.js';
import { runLoad } from './load.js';

interface Sent {
  readonly lines?: readonly { readonly kind?: string; readonly sku: string; readonly quantity: number }[];
}

/** A house that does whatever it is asked, and shows every order as shipped in part. */
const goodHouse = (): { readonly client: Client; readonly sent: Command[] } => {
  const sent: Command[] = [];
  const placed = new Map<string, Record<string, unknown>>();
  const send = async (command: Command) => {
    sent.push(command);
    const { kind, stream, body } = command;
    if (kind === 'place') {
      const lines = ((body as Sent).lines ?? []).map((line, index) => {
        const counted = { shipped: Math.ceil(line.quantity / 2), cancelled: 0, returned: 0 };
        return { kind: 'goods', lineId: `${index + 1}`, ...line, ...counted };
      });
      const reviews = [{ holdId: 'rule:dear' }];
      const view = { status: 'confirmed', totals: { total: '20.00' }, short: [{}], reviews, lines };
      placed.set(stream, view);
    }
    const { paymentId } = body;
    const payments = paymentId === undefined ? {} : { payments: [{ paymentId, status: 'authorised' }] };
    const order = kind === 'exchange' ? { order: placed.get(stream) } : {};
    return { status: 201, body: { ...placed.get(stream), ...payments, ...order }, position: '0' };
  };
  return { client: { send, read: async () => undefined }, sent };
};

const commandsOf = async (seed: number): Promise<Command[]> => {
  const { client, sent } = goodHouse();
  const options = {
    customers: 400,
    concurrency: 1,
    patient: true,
    enough: () => true,
    onSent: () => undefined,
  };
  await runLoad({ client, round: 1, seed, ...options });
  return sent;
};

test('the same seed asks for the same, whoever is asked, and another one for something else', async () => {
  const first = await commandsOf(7);
  expect(await commandsOf(7)).toEqual(first);
  expect(await commandsOf(8)).not.toEqual(first);
});

test('each command is among what is asked for, and nothing is asked for otherwise under the same key or id', async () => {
  const commands = await commandsOf(7);
  const kinds = new Map<string, number>();
  const said = new Map<string, string>();
  for (const { kind, stream, eventType, businessId, key, path, body } of commands) {
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    if (kind === 'setup') continue;
    const content = JSON.stringify([path, body]);
    for (const id of [`${stream} ${eventType} ${businessId}`, ...(key === undefined ? [] : [key])]) {
      expect([id, said.get(id) ?? content]).toEqual([id, content]);
      said.set(id, content);
    }
  }
  expect([...kinds.keys()].sort()).toEqual([...COMMAND_KINDS].sort());
});
