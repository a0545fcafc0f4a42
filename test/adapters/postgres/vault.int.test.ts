import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createKeyFile } from '../../../src/adapters/key-file/key-file.js';
import { createVault } from '../../../src/adapters/postgres/vault.js';
import { ACCESSES_KEPT_DAYS } from '../../../src/adapters/postgres/vault-access.js';
import { REWRAP_BATCH_SUBJECTS } from '../../../src/adapters/postgres/vault-rotation.js';
import type { Database } from '../../../src/runtime/database.js';
import type { KeptPerson, Vault } from '../../../src/runtime/vault.js';
import { type TestDatabase, testDatabase } from '../../support/postgres.js';
import {
  channelKey,
  named,
  privacy,
  type TestKeyFile,
  testKeyFile,
  UNMISTAKABLE,
  UNMISTAKABLE_PERSON,
} from '../../support/vault.js';

/** What every vault must do, against the real PostgreSQL. */
const READ = { purpose: 'read' } as const;
const TABLES = ['keys', 'records', 'erased', 'accesses'];

let database: TestDatabase;
let db: Database;
let keyFile: TestKeyFile;
let vault: Vault;
beforeAll(async () => {
  database = await testDatabase();
  ({ db } = database);
});
afterAll(() => database.drop());
beforeEach(async () => {
  await db.query(`TRUNCATE ${TABLES.map((table) => `vault.${table}`).join(', ')}`);
  keyFile = await testKeyFile();
  vault = open();
});
afterEach(() => keyFile.remove());

const open = (through: Database = db): Vault =>
  createVault({ db: through, keys: createKeyFile({ file: keyFile.file }) });
const write = (customerId: string, given: string, version?: number) =>
  vault.write(customerId, named(given), privacy, version);
const read = (customerId: string, from = vault) => from.read(customerId, privacy, READ);
const givenName = async (customerId: string): Promise<string | undefined> =>
  ((await read(customerId)) as KeptPerson).person.name.given;
const count = async (table: string): Promise<number> =>
  Number((await db.query<{ n: bigint }>(`SELECT count(*) AS n FROM vault.${table}`)).rows[0]?.n);
/** Everything in the vault as text, bytes as they are. */
const everything = async (): Promise<string> => {
  const texts = await Promise.all(
    TABLES.map(async (table) => {
      const { rows } = await db.query<Record<string, unknown>>(`SELECT * FROM vault.${table}`);
      return rows.flatMap((row) =>
        Object.values(row).map((cell) => (Buffer.isBuffer(cell) ? cell.toString('latin1') : String(cell))),
      );
    }),
  );
  return texts.flat().join('\n');
};

describe('a record', () => {
  test('is read as it was written, and nothing of it can be read in the tables', async () => {
    expect(await vault.write('c1', UNMISTAKABLE_PERSON, channelKey('web'), undefined)).toEqual({
      version: 1,
      change: 'created',
    });
    expect(await read('c1')).toEqual({
      customerId: 'c1',
      version: 1,
      channel: 'web',
      writtenAt: expect.any(Date),
      person: UNMISTAKABLE_PERSON,
    });
    const text = await everything();
    for (const word of UNMISTAKABLE) expect(text).not.toContain(word);
    expect(await read('c2')).toMatchObject({ code: 'unknown_person' });
  });

  test('is changed from the version that was read, and from no other', async () => {
    await write('c1', 'Ann');
    expect(await write('c1', 'Ann')).toEqual({ version: 1, change: 'none' });
    expect(await write('c1', 'Bob')).toMatchObject({ code: 'version_required', details: { version: 1 } });
    expect(await write('c1', 'Bob', 2)).toMatchObject({ code: 'stale_version', details: { version: 1 } });
    expect(await write('c1', 'Bob', 1)).toEqual({ version: 2, change: 'changed' });
    // A lost answer: the same again is the same, though its version is an old one by now.
    expect(await write('c1', 'Bob', 1)).toEqual({ version: 2, change: 'none' });
    expect(await write('c1', 'Cid', 1)).toMatchObject({ code: 'stale_version', details: { version: 2 } });
    expect(await write('new', 'Ann', 1)).toMatchObject({ code: 'stale_version' });
    expect(await givenName('c1')).toBe('Bob');
  });

  test('of ten that change it at once from one version, one does', async () => {
    await write('c1', 'Ann');
    const results = await Promise.all(Array.from({ length: 10 }, (_, n) => write('c1', `Ann ${n}`, 1)));
    const [changed, ...others] = results.filter((one) => 'change' in one);
    expect([changed, others]).toEqual([{ version: 2, change: 'changed' }, []]);
    expect(results.filter((one) => 'code' in one && one.code === 'stale_version')).toHaveLength(9);
  });

  test('of ten that create it at once, one does', async () => {
    const results = await Promise.all(Array.from({ length: 10 }, (_, n) => write('c1', `Ann ${n}`)));
    expect(results.filter((one) => 'change' in one)).toEqual([{ version: 1, change: 'created' }]);
    expect(results.filter((one) => 'code' in one && one.code === 'version_required')).toHaveLength(9);
    expect([await count('keys'), await count('records')]).toEqual([1, 1]);
  });

  test('that a channel wrote is for that channel to read and change, and for who may read all', async () => {
    const [web, shop] = [channelKey('web'), channelKey('shop')];
    await vault.write('c1', named('Ann'), web, undefined);
    expect(await vault.read('c1', shop, READ)).toMatchObject({ code: 'unknown_person' });
    expect(await vault.write('c1', named('Bob'), shop, 1)).toMatchObject({ code: 'forbidden_channel' });
    expect(await vault.write('c1', named('Ann'), shop, undefined)).toMatchObject({
      code: 'forbidden_channel',
    });
    expect(await vault.read('c1', web, READ)).toMatchObject({ version: 1 });
    expect(await vault.write('c1', named('Bob'), privacy, 1)).toMatchObject({ version: 2 });
    expect(await vault.write('c1', named('Cid'), web, 2)).toMatchObject({ version: 3 });
    await vault.write('c2', named('Dee'), privacy, undefined);
    expect(await vault.read('c2', web, READ)).toMatchObject({ code: 'unknown_person' });
  });
});

describe('erased', () => {
  test('key and record are gone, the id is never written again, and it says when and by whom', async () => {
    await vault.write('c1', UNMISTAKABLE_PERSON, privacy, undefined);
    const done = await vault.erase('c1', { actor: 'key:p' });
    expect(done).toEqual({ customerId: 'c1', erasedAt: expect.any(Date), erasedBy: 'key:p' });
    expect(await vault.erase('c1', { actor: 'key:q' })).toEqual(done);
    expect([await count('keys'), await count('records')]).toEqual([0, 0]);
    expect(await read('c1')).toMatchObject({ code: 'person_erased' });
    expect(await write('c1', 'Ann')).toMatchObject({ code: 'person_erased' });
    expect(await write('c1', 'Ann', 1)).toMatchObject({ code: 'person_erased' });
    expect((await db.query('SELECT * FROM vault.erased')).rows).toEqual([
      { customer_id: 'c1', erased_at: done.erasedAt, erased_by: 'key:p' },
    ]);
  });

  test('is also who was never known', async () => {
    await vault.erase('nobody', { actor: 'key:p' });
    expect(await write('nobody', 'Ann')).toMatchObject({ code: 'person_erased' });
  });

  test('whoever writes meanwhile, nothing is left', async () => {
    for (let round = 0; round < 20; round++) {
      const id = `c${round}`;
      if (round % 2 === 0) await write(id, 'Ann');
      const at = round % 2 === 0 ? 1 : undefined;
      await Promise.all([write(id, 'Bob', at), vault.erase(id, { actor: 'key:p' }), write(id, 'Cid', at)]);
      expect(await read(id)).toMatchObject({ code: 'person_erased' });
    }
    expect([await count('keys'), await count('records'), await count('erased')]).toEqual([0, 0, 20]);
  });

  test('a record that a backup brings back cannot be opened without its key', async () => {
    await write('c1', 'Ann');
    const { rows } = await db.query('SELECT * FROM vault.records');
    const [before] = rows as { version: number; channel: null; body: Buffer; written_at: Date }[];
    await vault.erase('c1', { actor: 'key:p' });
    await db.query('DELETE FROM vault.erased');
    await db.query('INSERT INTO vault.records VALUES ($1, $2, $3, $4, $5)', [
      'c1',
      before?.version,
      before?.channel,
      before?.body,
      before?.written_at,
    ]);
    await expect(read('c1')).rejects.toMatchObject({ code: 'vault_record_invalid' });
  });

  test('an erasure applied again to what a whole backup brings back erases it, with its own time', async () => {
    const at = new Date('2026-01-02T03:04:05Z');
    await write('c1', 'Ann');
    await write('c2', 'Bob');
    await vault.erase('c2', { actor: 'key:p' });
    for (const id of ['c1', 'c2']) await vault.erase(id, { actor: 'key:then', at });
    const found = [];
    for await (const some of vault.erasures()) found.push(...some);
    expect(found).toMatchObject([
      { customerId: 'c1', erasedAt: at, erasedBy: 'key:then' },
      { customerId: 'c2', erasedBy: 'key:p' },
    ]);
    expect([await count('keys'), await count('records')]).toEqual([0, 0]);
  });
});

describe('who read it', () => {
  test('is listed, the latest first, in pages, and stays when the person is erased', async () => {
    await vault.write('c1', named('Ann'), channelKey('web'), undefined);
    await vault.read('c1', channelKey('web'), READ);
    await vault.read('c1', { actor: 'key:w', role: 'warehouse' }, { purpose: 'delivery', orderId: 'web~1' });
    await read('c1');
    await vault.read('c1', channelKey('shop'), READ);
    await read('unknown');
    await vault.erase('c1', { actor: 'key:p' });
    await read('c1');
    const first = await vault.accesses('c1', { limit: 2 });
    expect(first).toMatchObject([
      { actor: 'key:privacy', role: 'privacy', purpose: 'read' },
      { actor: 'key:w', role: 'warehouse', purpose: 'delivery', orderId: 'web~1' },
    ]);
    const rest = await vault.accesses('c1', { before: first.at(-1)?.id, limit: 2 });
    expect(rest).toMatchObject([{ actor: 'key:web', role: 'channel', purpose: 'read' }]);
    expect(await count('accesses')).toBe(3);
  });

  test('is forgotten after its time, by whoever reads next', async () => {
    await write('c1', 'Ann');
    await Promise.all(Array.from({ length: 25 }, () => read('c1')));
    const old = ACCESSES_KEPT_DAYS + 1;
    await db.query('UPDATE vault.accesses SET at = now() - make_interval(days => $1)', [old]);
    expect(await vault.accesses('c1', { limit: 100 })).toEqual([]);
    await read('c1');
    expect(await count('accesses')).toBe(6);
    await read('c1');
    expect(await count('accesses')).toBe(2);
  });

  test('what cannot be recorded is not answered', async () => {
    await write('c1', 'Ann');
    const failing = open(cutting((sql) => sql.includes('INSERT INTO vault.accesses')));
    await expect(read('c1', failing)).rejects.toThrow('cut');
  });
});

/** The same database, in whose transactions a statement fails. */
const cutting = (isCut: (sql: string, number: number) => boolean): Database => ({
  query: (sql, parameters, name) => db.query(sql, parameters, name),
  stream: (sql, parameters, options) => db.stream(sql, parameters, options),
  listen: (channel, onNotify) => db.listen(channel, onNotify),
  close: async () => undefined,
  transaction: (work, options) => {
    let number = 0;
    return db.transaction(
      (tx) =>
        work({
          query: async (sql, parameters, name) => {
            number += 1;
            if (isCut(sql, number)) throw new Error('cut');
            return tx.query(sql, parameters, name);
          },
        }),
      options,
    );
  },
});

/** Cuts `work` before its n-th statement, for every n, until it is through; how often that was. */
const cutAnywhere = async (
  work: (cut: Vault) => Promise<unknown>,
  after: () => Promise<void>,
): Promise<number> => {
  for (let number = 1; ; number += 1) {
    let reached = false;
    const cut = open(
      cutting((_, at) => {
        reached ||= at === number;
        return at === number;
      }),
    );
    const failure = await work(cut).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (!reached) return number - 1;
    expect(failure).toMatchObject({ message: 'cut' });
    await after();
  }
};

describe('cut anywhere', () => {
  test('between key and record: neither is there, and the next one writes both', async () => {
    const cuts = await cutAnywhere(
      (cut) => cut.write('c1', named('Ann'), privacy, undefined),
      async () => expect([await count('keys'), await count('records')]).toEqual([0, 0]),
    );
    expect(cuts).toBe(4);
    expect(await givenName('c1')).toBe('Ann');
  });

  test('amid an erasure: the person is whole, or gone', async () => {
    await write('c1', 'Ann');
    const cuts = await cutAnywhere(
      (cut) => cut.erase('c1', { actor: 'key:p' }),
      async () => expect(await givenName('c1')).toBe('Ann'),
    );
    expect(cuts).toBeGreaterThan(3);
    expect(await read('c1')).toMatchObject({ code: 'person_erased' });
  });

  test('amid a rotation: every record can be read before, between and after', async () => {
    await write('c1', 'Ann');
    await keyFile.rotate();
    await cutAnywhere(
      (cut) => cut.rewrap(),
      async () => {
        vault = open();
        expect(await givenName('c1')).toBe('Ann');
      },
    );
    await keyFile.forgetOld();
    vault = open();
    expect(await givenName('c1')).toBe('Ann');
  });
});

describe('what was tampered with is an error, never garbage', () => {
  const invalid = { code: 'vault_record_invalid' };
  const tamper = (sql: string, parameters: readonly unknown[] = []) => db.query(sql, parameters);

  test.each([
    [
      'a record in the place of another',
      'UPDATE vault.records a SET body = b.body FROM vault.records b WHERE b.customer_id <> a.customer_id',
    ],
    [
      'a key in the place of another',
      'UPDATE vault.keys a SET wrapped = b.wrapped FROM vault.keys b WHERE b.customer_id <> a.customer_id',
    ],
    ['another version', 'UPDATE vault.records SET version = version + 1'],
    ['another channel', "UPDATE vault.records SET channel = 'shop'"],
    ['cut short', 'UPDATE vault.records SET body = substring(body FROM 1 FOR 20)'],
    ['empty', "UPDATE vault.records SET body = ''"],
    ['without its key', 'DELETE FROM vault.keys'],
  ])('%s', async (_, sql) => {
    await vault.write('c1', named('Ann'), channelKey('web'), undefined);
    await vault.write('c2', named('Bob'), channelKey('web'), undefined);
    await tamper(sql);
    await expect(read('c1')).rejects.toMatchObject(invalid);
    expect(await count('accesses')).toBe(0);
  });

  test('an older content of the same person', async () => {
    await write('c1', 'Ann');
    const { rows } = await db.query<{ body: Buffer }>('SELECT body FROM vault.records');
    await write('c1', 'Bob', 1);
    await tamper('UPDATE vault.records SET body = $1', [rows[0]?.body]);
    await expect(read('c1')).rejects.toMatchObject(invalid);
  });

  test.each(['records', 'keys'])('any bit of any byte, in the %s', async (table) => {
    const column = table === 'records' ? 'body' : 'wrapped';
    await write('c1', 'Ann');
    const { rows } = await db.query<{ bytes: Buffer }>(`SELECT ${column} AS bytes FROM vault.${table}`);
    const right = rows[0]?.bytes ?? Buffer.alloc(0);
    const place = fc.record({ at: fc.nat(right.length - 1), bit: fc.nat(7) });
    await fc.assert(
      fc.asyncProperty(place, async ({ at, bit }) => {
        const wrong = Buffer.from(right);
        wrong[at] = (wrong[at] ?? 0) ^ (1 << bit);
        await tamper(`UPDATE vault.${table} SET ${column} = $1`, [wrong]);
        await expect(read('c1')).rejects.toMatchObject(invalid);
      }),
      { numRuns: 60 },
    );
  });

  test('a record whose master key is gone says which key', async () => {
    await write('c1', 'Ann');
    await keyFile.rotate();
    await keyFile.forgetOld();
    await expect(read('c1', open())).rejects.toMatchObject({ code: 'vault_key_unknown' });
  });
});

describe('the rotation of the master key', () => {
  test('goes in batches, leaves every record as it was, and the old key is needed no more', async () => {
    const ids = Array.from({ length: REWRAP_BATCH_SUBJECTS + 20 }, (_, n) => `c${n}`);
    const master = (await createKeyFile({ file: keyFile.file }).current()).id;
    await Promise.all(ids.map((id) => write(id, id)));
    await keyFile.rotate();
    vault = open();
    expect(await vault.rewrap()).toEqual({ rewrapped: REWRAP_BATCH_SUBJECTS, left: 20 });
    expect([await givenName('c0'), await givenName('c99')]).toEqual(['c0', 'c99']);
    expect(await vault.rewrap()).toEqual({ rewrapped: 20, left: 0 });
    expect(await vault.rewrap()).toEqual({ rewrapped: 0, left: 0 });
    expect((await db.query('SELECT 1 FROM vault.keys WHERE key_id = $1', [master])).rowCount).toBe(0);
    await keyFile.forgetOld();
    vault = open();
    for (const id of ids.slice(0, 30)) expect(await givenName(id)).toBe(id);
    expect(await write('c0', 'Ann', 1)).toMatchObject({ version: 2 });
  });

  test('beside writers and an erasure', async () => {
    await Promise.all(Array.from({ length: 40 }, (_, n) => write(`c${n}`, 'Ann')));
    await keyFile.rotate();
    vault = open();
    await Promise.all([
      vault.rewrap(),
      vault.rewrap(),
      write('c1', 'Bob', 1),
      write('new', 'Ann'),
      vault.erase('c2', { actor: 'key:p' }),
    ]);
    while ((await vault.rewrap()).left > 0);
    await keyFile.forgetOld();
    vault = open();
    expect([await givenName('c1'), await givenName('new'), await givenName('c39')]).toEqual([
      'Bob',
      'Ann',
      'Ann',
    ]);
    expect(await read('c2')).toMatchObject({ code: 'person_erased' });
  });
});

test('a closed vault keeps nothing, and still erases', async () => {
  const closed = createVault({ db, keys: createKeyFile({ file: undefined }) });
  await expect(closed.write('c1', named('Ann'), privacy, undefined)).rejects.toMatchObject({
    code: 'vault_closed',
  });
  expect([await count('keys'), await count('records')]).toEqual([0, 0]);
  await closed.erase('c1', { actor: 'key:p' });
  expect(await read('c1')).toMatchObject({ code: 'person_erased' });
});
