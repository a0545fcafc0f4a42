import type { PaymentProvider, ProviderAnswer, ProviderCall } from '../../src/processes/payment-provider.js';

/** A provider that remembers what it did by id, and answers by id: `declines` for good, `silent` as often as told. */
export const fakeProvider = (
  options: { readonly declines?: readonly string[]; readonly silent?: Map<string, number> } = {},
) => {
  const done = new Map<string, { readonly kind: string; readonly amount: string }>();
  const calls: string[] = [];
  const asked =
    (kind: string) =>
    async ({ id, amount }: ProviderCall): Promise<ProviderAnswer> => {
      calls.push(id);
      if (options.declines?.includes(kind)) return { status: 'declined', code: 'no', reason: 'it says no' };
      const before = done.get(id);
      if (before !== undefined && before.amount !== amount) throw new Error(`${id} was asked otherwise`);
      done.set(id, { kind, amount });
      const silent = options.silent?.get(kind) ?? 0;
      if (silent === 0) return { status: 'done', reference: `ref ${id}` };
      options.silent?.set(kind, silent - 1);
      return { status: 'unknown' };
    };
  const provider: PaymentProvider = {
    name: 'psp',
    authorise: asked('authorise'),
    capture: asked('capture'),
    refund: asked('refund'),
    void: async (call) => {
      await asked('void')(call);
      return { status: 'done' };
    },
  };
  return { provider, done, calls };
};
