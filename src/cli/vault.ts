import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import type { Erasure, Vault } from '../runtime/vault.js';
import { withHouse } from './with-house.js';

/** Who did it, where no API key did. */
const ACTOR = 'cli';
/** A line names one id; what is longer is another file. */
const LINE_LENGTH_MAX_CHARS = 2_000;

const say = (line: string): boolean => process.stdout.write(`${line}\n`);

export interface ToErase {
  readonly customerId: string;
  readonly at?: Date;
  readonly actor: string;
}

/** A line as `vault erasures` prints it, or an id alone. Throws for what is neither. */
export const erasureIn = (line: string): ToErase => {
  if (line.length > LINE_LENGTH_MAX_CHARS) throw new Error('a line is longer than any erasure');
  if (!line.startsWith('{')) return { customerId: line, actor: ACTOR };
  const { customerId, erasedAt, erasedBy } = JSON.parse(line) as Record<string, unknown>;
  const at = new Date(typeof erasedAt === 'string' ? erasedAt : '');
  if (typeof customerId !== 'string' || typeof erasedBy !== 'string' || Number.isNaN(at.getTime())) {
    throw new Error(`not an erasure: ${line}`);
  }
  return { customerId, at, actor: erasedBy };
};

export const lineOfErasure = ({ customerId, erasedAt, erasedBy }: Erasure): string =>
  JSON.stringify({ customerId, erasedAt: erasedAt.toISOString(), erasedBy });

/** Applies what a file lists, one transaction each; as often as one likes. */
export const eraseFrom = async (
  vault: Pick<Vault, 'erase'>,
  lines: AsyncIterable<string>,
): Promise<number> => {
  let count = 0;
  for await (const line of lines) {
    const text = line.trim();
    if (text === '') continue;
    const { customerId, ...by } = erasureIn(text);
    await vault.erase(customerId, by);
    count += 1;
  }
  return count;
};

/** `vault rotate-key`, `vault erase`, `vault erasures`: see docs/guides/personal-data.md. */
export const registerVault = (program: Command): void => {
  const command = program.command('vault').description('the vault for personal data');

  command
    .command('rotate-key')
    .description(
      "wrap every person's key by the first master key of the key file; exits 1 when some are left",
    )
    .option('--new', 'put a new master key before the others first', false)
    .action(({ new: fresh }: { new: boolean }) =>
      withHouse({}, async ({ vault, vaultKeys }) => {
        if (fresh) say(`new master key ${await vaultKeys.addKey()}`);
        let total = 0;
        for (;;) {
          const { rewrapped, left } = await vault.rewrap();
          total += rewrapped;
          if (rewrapped > 0 && left > 0) continue;
          say(
            `${total} keys are wrapped by master key ${(await vaultKeys.current()).id} now, ${left} are not`,
          );
          if (left > 0) process.exitCode = 1;
          return;
        }
      }),
    );

  command
    .command('erase')
    .description('erase people, as the API does; those of a list when a database was restored from before')
    .argument('[customerIds...]')
    .option('--from <file>', 'lines as `vault erasures` prints them, or ids')
    .action((customerIds: string[], { from }: { from?: string }) =>
      withHouse({}, async ({ vault }) => {
        for (const customerId of customerIds) {
          say(lineOfErasure(await vault.erase(customerId, { actor: ACTOR })));
        }
        if (from === undefined) return;
        const lines = createInterface({ input: createReadStream(from), crlfDelay: Number.POSITIVE_INFINITY });
        say(`${await eraseFrom(vault, lines)} people are erased`);
      }),
    );

  command
    .command('erasures')
    .description('who was erased, when and by whom, one JSON object on each line')
    .action(() =>
      withHouse({}, async ({ vault }) => {
        for await (const some of vault.erasures()) for (const one of some) say(lineOfErasure(one));
      }),
    );
};
