import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createKeyFile } from '../../../src/adapters/key-file/key-file.js';

let dir: string;
let file: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-key-file-'));
  file = join(dir, 'data', 'vault.key');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const line = (): string => randomBytes(32).toString('base64');
const embedded = () => createKeyFile({ file, mayCreate: async () => true });
const given = async (text: string) => {
  const path = join(dir, 'given.key');
  await writeFile(path, text);
  return createKeyFile({ file: path });
};

test('ten processes that start at once make one key, for its owner only, and leave nothing beside it', async () => {
  const keys = await Promise.all(Array.from({ length: 10 }, () => embedded().current()));
  expect(new Set(keys.map(({ id }) => id)).size).toBe(1);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(join(dir, 'data'))).toEqual(['vault.key']);
  expect((await embedded().current()).id).toBe(keys[0]?.id);
});

test('a file that is gone is not made anew where something was encrypted by it', async () => {
  const closed = createKeyFile({ file, mayCreate: async () => false });
  await expect(closed.current()).rejects.toMatchObject({ code: 'vault_closed' });
  await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' });
});

describe('a file that is named', () => {
  test('has the current key first and older ones below it, found by their ids', async () => {
    const [first, second] = [line(), line()];
    const keys = await given(`${first}\n${second}\n`);
    const current = await keys.current();
    expect(Buffer.from(current.key).toString('base64')).toBe(first);
    const other = (await (await given(second)).current()).id;
    expect(Buffer.from((await keys.find(other))?.key ?? []).toString('base64')).toBe(second);
    expect(await keys.find('nobody')).toBeUndefined();
  });

  test('gets a new key before the others, and every id stays', async () => {
    const keys = await given(line());
    const before = (await keys.current()).id;
    const added = await keys.addKey();
    expect((await keys.current()).id).toBe(added);
    expect(added).not.toBe(before);
    expect(await keys.find(before)).toBeDefined();
    expect((await stat(join(dir, 'given.key'))).mode & 0o777).toBe(0o600);
  });

  test('gets every key of many that are put in at once, and each is told its own', async () => {
    const first = await given(line());
    const path = join(dir, 'given.key');
    const told = await Promise.all(Array.from({ length: 8 }, () => createKeyFile({ file: path }).addKey()));
    expect(new Set(told).size).toBe(8);
    for (const id of told) expect(await createKeyFile({ file: path }).find(id)).toBeDefined();
    expect((await readFile(path, 'utf8')).trim().split('\n')).toHaveLength(9);
    expect(told).toContain((await createKeyFile({ file: path }).current()).id);
    expect(await readdir(dir)).toEqual(['given.key']);
    expect((await first.current()).id).toBeDefined();
  });

  test('is read again for a key that it did not have', async () => {
    const keys = await given(line());
    await keys.current();
    const late = line();
    await writeFile(join(dir, 'given.key'), late);
    await sleep(1_050);
    const { id } = await (await given(late)).current();
    expect(await keys.find(id)).toBeDefined();
  });

  test.each([
    ['nothing in it', ''],
    ['a key that is too short', randomBytes(31).toString('base64')],
    ['a key in hex', randomBytes(32).toString('hex')],
    ['a wrong second line', `${line()}\nhunter2`],
    ['more keys than it may', Array.from({ length: 101 }, line).join('\n')],
  ])('is refused with %s, and nothing of it is said', async (_, text) => {
    const failure = await (await given(text)).current().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'vault_closed' });
    for (const word of text.split('\n').filter((one) => one.length > 5)) {
      expect(String(failure)).not.toContain(word);
    }
  });
});

test('without a file the vault is closed, and says which setting is missing', async () => {
  const failure = createKeyFile({ file: undefined }).current();
  await expect(failure).rejects.toMatchObject({ code: 'vault_closed' });
  await expect(failure).rejects.toThrow('HOLDFAST_VAULT_KEY_FILE');
  await expect(createKeyFile({ file: join(dir, 'nowhere') }).current()).rejects.toThrow('cannot be read');
  expect(await readdir(dir)).toEqual([]);
});

test('the file holds nothing but base64', async () => {
  await embedded().current();
  expect(await readFile(file, 'utf8')).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
});
