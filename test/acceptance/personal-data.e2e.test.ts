import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { connectTo } from '../support/postgres.js';
import { UNMISTAKABLE, UNMISTAKABLE_PERSON } from '../support/vault.js';

/** The whole program, as it runs: a person is written, read, asked for wrongly and erased, and is in no place but the vault. */
const PROGRAM = join(process.cwd(), 'dist', 'cli', 'main.js');
let dir: string;
let server: ChildProcess;
let client: pg.Client;
let url: string;
let key: string;
let output = '';

const environment = (): NodeJS.ProcessEnv => {
  const { DATABASE_URL: _, EVENTSTORE_URL: __, REDIS_URL: ___, NODE_OPTIONS: ____, ...rest } = process.env;
  return { ...rest, HOLDFAST_DATA_DIR: dir, HOLDFAST_LOG_LEVEL: 'trace' };
};
const holdfast = async (...args: string[]): Promise<string> => {
  const run = promisify(execFile)(process.execPath, [PROGRAM, ...args], { env: environment() });
  const { stdout, stderr } = await run;
  return stdout + stderr;
};

const ask = async (method: string, path: string, body?: unknown, headers = {}) => {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: response.status, text: await response.text() };
};
const expectAnswer = async (status: number, method: string, path: string, body?: unknown, headers = {}) => {
  const answer = await ask(method, path, body, headers);
  expect([method, path, answer.status, answer.text]).toEqual([method, path, status, expect.anything()]);
  return answer.text;
};

/** Which of the words are in a text; bytes are looked at as they are. */
const wordsIn = (text: string | Buffer): string[] => UNMISTAKABLE.filter((word) => text.includes(word));
const expectClean = (what: string, text: string | Buffer): void =>
  expect([what, wordsIn(text)]).toEqual([what, []]);

const relations = async (where: string): Promise<string[]> => {
  const { rows } = await client.query<{ name: string }>(
    `SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) AS name FROM information_schema.tables
     WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND table_schema ${where}`,
  );
  return rows.map(({ name }) => name);
};
const textOf = async (relation: string): Promise<string> => {
  const { rows } = await client.query<{ text: string | null }>(
    `SELECT string_agg(r::text, E'\\n') AS text FROM ${relation} r`,
  );
  return rows[0]?.text ?? '';
};

const filesBelow = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
};

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-personal-'));
  server = spawn(process.execPath, [PROGRAM, 'serve', '--port', '0'], { env: environment() });
  url = await new Promise<string>((resolve, reject) => {
    for (const stream of [server.stdout, server.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        const found = /API: (http:\S+)\/v1/.exec(output)?.[1];
        if (found !== undefined) resolve(found);
      });
    }
    server.once('exit', () => reject(new Error(output)));
  });
  key = (await readFile(join(dir, 'admin.key'), 'utf8')).trim();
  const { databaseUrl } = JSON.parse(await readFile(join(dir, 'endpoint.json'), 'utf8')) as {
    databaseUrl: string;
  };
  client = await connectTo(databaseUrl);
}, 120_000);
afterAll(async () => {
  await client?.end();
  if (server !== undefined && server.exitCode === null) {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGTERM');
    await ended;
  }
  await rm(dir, { recursive: true, force: true });
}, 60_000);

const PERSON = '/v1/people/c-17';
const GIVEN = UNMISTAKABLE_PERSON.name.given ?? '';

test('a person is written, read, shipped to, and asked for in every wrong way', async () => {
  await expectAnswer(201, 'PUT', '/v1/locations/main', { name: 'Main' });
  await expectAnswer(201, 'PUT', '/v1/channels/web', {
    name: 'Web',
    timeZone: 'Europe/London',
    currencies: ['GBP'],
    sources: ['main'],
    confirm: 'auto',
  });
  await expectAnswer(201, 'POST', '/v1/locations/main/receipts', { receiptId: 'r', sku: 'MUG', quantity: 9 });
  await expectAnswer(201, 'PUT', PERSON, UNMISTAKABLE_PERSON);
  const read = await expectAnswer(200, 'GET', PERSON);
  expect(wordsIn(read)).toEqual([...UNMISTAKABLE].filter((word) => read.includes(word)));
  expect(JSON.parse(read)).toMatchObject({ person: UNMISTAKABLE_PERSON });
  let after = '';
  const order = {
    channel: 'web',
    externalId: '1',
    currency: 'GBP',
    customerId: 'c-17',
    destination: { country: 'GB', deliveryAddressId: 'home' },
    lines: [{ sku: 'MUG', quantity: 2, unitPrice: '5.00' }],
  };
  await expectAnswer(201, 'POST', '/v1/orders', order);
  const address = await expectAnswer(200, 'GET', '/v1/orders/web~1/delivery-address');
  expect(address).toContain('Zephyrquay 77');
  after = await expectAnswer(201, 'POST', '/v1/orders/web~1/shipments', { shipmentId: 's' });
  expectClean('the answer of a command', after);

  const { note: _, ...changed } = UNMISTAKABLE_PERSON;
  await expectAnswer(428, 'PUT', PERSON, changed);
  await expectAnswer(412, 'PUT', PERSON, changed, { 'if-match': '"7"' });
  await expectAnswer(200, 'PUT', PERSON, changed, { 'if-match': '"1"' });
  await expectAnswer(200, 'PUT', PERSON, UNMISTAKABLE_PERSON, { 'if-match': '"2"' });
  const whole = JSON.stringify(UNMISTAKABLE_PERSON);
  const wrong = [
    await expectAnswer(400, 'PUT', PERSON, whole.slice(0, -3)),
    await expectAnswer(400, 'PUT', PERSON, { ...UNMISTAKABLE_PERSON, mails: [`${GIVEN} at home`] }),
    await expectAnswer(400, 'PUT', PERSON, { ...UNMISTAKABLE_PERSON, phones: [GIVEN] }),
    await expectAnswer(400, 'PUT', PERSON, { ...UNMISTAKABLE_PERSON, name: { given: GIVEN.repeat(99) } }),
    await expectAnswer(400, 'PUT', PERSON, { name: GIVEN }),
    await expectAnswer(415, 'PUT', PERSON, whole, { 'content-type': 'text/plain' }),
  ];
  for (const answer of wrong) expectClean('a problem', answer);
  // What PostgreSQL refuses comes with a detail of the row: a record that another process has damaged, a table that is gone.
  await client.query('UPDATE vault.records SET body = substring(body FROM 2)');
  await expectAnswer(500, 'GET', PERSON);
  await expectAnswer(500, 'PUT', PERSON, UNMISTAKABLE_PERSON, { 'if-match': '"3"' });
  await client.query("UPDATE vault.records SET body = E'\\\\x01' || body");
  await expectAnswer(200, 'GET', PERSON);
  await client.query('ALTER TABLE vault.records ADD CONSTRAINT broken CHECK (version < 4)');
  await expectAnswer(500, 'PUT', PERSON, changed, { 'if-match': '"3"' });
  await client.query('ALTER TABLE vault.records DROP CONSTRAINT broken');
}, 60_000);

describe('nothing of the person is', () => {
  test('in any table or view outside the vault, nor readable inside', async () => {
    const outside = await relations("<> 'vault'");
    expect(outside).toEqual(
      expect.arrayContaining(['read_model.orders', 'runtime.snapshots', 'reporting.orders']),
    );
    for (const relation of outside) expectClean(relation, await textOf(relation));
    for (const relation of await relations("= 'vault'")) expectClean(relation, await textOf(relation));
    expect(await textOf('read_model.orders')).toContain('c-17');
  });

  test('in the log, in the write-ahead log, or in any other file', async () => {
    await client.query('CHECKPOINT');
    const files = await filesBelow(dir);
    const log = files.filter((file) => file.includes('event-store'));
    expect(log.length).toBeGreaterThan(0);
    let events = 0;
    for (const file of files) {
      const bytes = await readFile(file).catch(() => Buffer.alloc(0));
      expectClean(file, bytes);
      if (log.includes(file) && bytes.includes('OrderPlaced')) events += 1;
    }
    expect(events).toBeGreaterThan(0);
  });

  test('in what the server says, in the metrics, or in what an audit prints', async () => {
    expectClean('metrics', await expectAnswer(200, 'GET', '/metrics'));
    expectClean('openapi', await expectAnswer(200, 'GET', '/openapi.json'));
    expectClean('events', await expectAnswer(200, 'GET', '/v1/orders/web~1/events'));
    expectClean('who read it', await expectAnswer(200, 'GET', `${PERSON}/access`));
    expectClean('audit', await holdfast('audit', '--json', '--verbose'));
    expectClean('status', await holdfast('status'));
    expect(output).toContain('/v1/people/{customerId}');
    expect(output).toContain('vault_record_invalid');
    expectClean('output', output);
  });
});

test('the key is rotated beside the running server, which goes on reading', async () => {
  const [before] = (await client.query<{ key_id: string }>('SELECT key_id FROM vault.keys')).rows;
  expect(await holdfast('vault', 'rotate-key', '--new')).toMatch(
    /^new master key (\w{16})\n1 keys are wrapped by master key \1 now, 0 are not\n/m,
  );
  const [after] = (await client.query<{ key_id: string }>('SELECT key_id FROM vault.keys')).rows;
  expect(after?.key_id).not.toBe(before?.key_id);
  await expectAnswer(200, 'GET', PERSON);
});

test('erased, nothing is left but the id and when, and the totals are what they were', async () => {
  const totals = await textOf('read_model.ledger_days');
  await expectAnswer(200, 'DELETE', PERSON);
  await expectAnswer(410, 'GET', PERSON);
  expect([await textOf('vault.keys'), await textOf('vault.records')]).toEqual(['', '']);
  expect(await textOf('vault.erased')).toMatch(/^\(c-17,"[^"]+",key:[0-9a-f-]+\)$/);
  expect(await textOf('read_model.ledger_days')).toBe(totals);
  expect(await holdfast('audit')).toContain('Nothing differs.');
  expect(output).toContain('a person was erased');
});

test('erasures are listed, and applied again to a database from before them', async () => {
  const list = await holdfast('vault', 'erasures');
  expect(list).toMatch(/^\{"customerId":"c-17","erasedAt":"[^"]+","erasedBy":"key:[^"]+"\}\n$/m);
  await client.query('DELETE FROM vault.erased');
  await expectAnswer(201, 'PUT', PERSON, UNMISTAKABLE_PERSON);
  const file = join(dir, 'erasures');
  await writeFile(file, `${list}c-18\n`);
  expect(await holdfast('vault', 'erase', '--from', file)).toContain('2 people are erased');
  await expectAnswer(410, 'GET', PERSON);
  await expectAnswer(410, 'PUT', '/v1/people/c-18', UNMISTAKABLE_PERSON);
  expect(await holdfast('vault', 'erasures')).toContain(list.trim());
});
