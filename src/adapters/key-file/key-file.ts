/**
 * The master keys of the vault in a file: 32 random bytes in base64 on each line (`openssl rand -base64 32`). The first one wraps what is
 * written now; the others are those before it, needed until everything is wrapped anew. Read when it is needed first, and again
 * when a key is asked for that was not in it.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type MasterKey, type MasterKeys, VaultClosed } from '../../runtime/vault.js';
import { LockTaken, withLock } from './lock-file.js';

const KEY_BYTES = 32;
const KEY_ID_LENGTH = 16;
/** Keys in one file. */
export const MASTER_KEYS_MAX = 100;
/** A key that is asked for in vain costs a look at the file at most so often. */
const REREAD_PAUSE_MS = 1_000;

const BASE64_KEY = /^[A-Za-z0-9+/]{43}=$/;

/** The same key has the same id wherever its file lies; nothing of the key can be told from it. */
const idOf = (key: Uint8Array): string =>
  createHash('sha256').update('holdfast vault key').update(key).digest('hex').slice(0, KEY_ID_LENGTH);

const parse = (text: string, file: string): MasterKey[] => {
  const lines = text.split('\n').map((line) => line.trim());
  const keys = lines.filter((line) => line !== '');
  // Never the line itself: it may be a key with a slip of the pen.
  const wrong = keys.findIndex((line) => !BASE64_KEY.test(line));
  if (wrong >= 0) throw new VaultClosed(`${file}: key ${wrong + 1} is not ${KEY_BYTES} bytes in base64`);
  if (keys.length === 0) throw new VaultClosed(`${file} has no key`);
  if (keys.length > MASTER_KEYS_MAX) throw new VaultClosed(`${file} has more than ${MASTER_KEYS_MAX} keys`);
  return keys.map((line) => {
    const key = Buffer.from(line, 'base64');
    return { id: idOf(key), key };
  });
};

const isMissing = (error: unknown): boolean => (error as { code?: unknown }).code === 'ENOENT';

/** On disk when it resolves: a record whose key was lost with the power is lost. */
const writeDurably = async (file: string, text: string): Promise<void> => {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
};

const syncDirectory = async (directory: string): Promise<void> => {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

const lineOf = (key: Buffer): string => `${key.toString('base64')}\n`;

/** Made once: of several processes that start together one makes it and all read it. */
const createOnce = async (file: string): Promise<void> => {
  await mkdir(dirname(file), { recursive: true });
  const own = `${file}.${randomUUID()}`;
  await writeDurably(own, lineOf(randomBytes(KEY_BYTES)));
  try {
    await link(own, file).catch((error: unknown) => {
      if ((error as { code?: unknown }).code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(own, { force: true });
  }
  await syncDirectory(dirname(file));
};

/** In one step: whoever reads the file meanwhile reads it with the key or without. */
const addTo = async (file: string, key: Buffer, stillMine: () => Promise<void>): Promise<void> => {
  const before = await readFile(file, 'utf8');
  if (parse(before, file).length >= MASTER_KEYS_MAX) {
    throw new VaultClosed(`${file} has ${MASTER_KEYS_MAX} keys already`);
  }
  const next = `${file}.${randomUUID()}`;
  try {
    await writeDurably(next, lineOf(key) + before);
    await stillMine();
    await rename(next, file);
  } finally {
    await rm(next, { force: true });
  }
  await syncDirectory(dirname(file));
};

export interface KeyFileOptions {
  /** Undefined: no file is set, and the vault is closed. */
  readonly file: string | undefined;
  /** Whether a file that is not there may be made. Never when it is absent. */
  readonly mayCreate?: () => Promise<boolean>;
}

export interface KeyFile extends MasterKeys {
  /** Puts a new key before the others and says its id; what is written from now on is wrapped by it. */
  addKey(): Promise<string>;
}

export const createKeyFile = ({ file, mayCreate }: KeyFileOptions): KeyFile => {
  let loaded: Promise<readonly MasterKey[]> | undefined;
  let loadedAt = 0;

  const readText = async (path: string): Promise<string> => {
    try {
      return await readFile(path, 'utf8');
    } catch (cause) {
      if (!isMissing(cause) || mayCreate === undefined) {
        throw new VaultClosed(`${path} cannot be read`, { cause });
      }
    }
    if (!(await mayCreate())) {
      throw new VaultClosed(`${path} is gone, and with it the key of what is in the vault: bring it back`);
    }
    await createOnce(path);
    return readFile(path, 'utf8');
  };

  const load = async (): Promise<readonly MasterKey[]> => {
    if (file === undefined) throw new VaultClosed('HOLDFAST_VAULT_KEY_FILE names no key file');
    return parse(await readText(file), file);
  };

  /** One look at the file for all who ask at once; a failed one is not kept. */
  const all = (): Promise<readonly MasterKey[]> => {
    if (loaded === undefined) {
      const reading = load();
      loaded = reading;
      loadedAt = performance.now();
      reading.catch(() => {
        if (loaded === reading) loaded = undefined;
      });
    }
    return loaded;
  };

  return {
    current: async () => {
      const [first] = await all();
      if (first === undefined) throw new VaultClosed('no key');
      return first;
    },
    find: async (id) => {
      const known = (await all()).find((one) => one.id === id);
      if (known !== undefined || performance.now() - loadedAt < REREAD_PAUSE_MS) return known;
      loaded = undefined;
      return (await all()).find((one) => one.id === id);
    },
    addKey: async () => {
      if (file === undefined) throw new VaultClosed('HOLDFAST_VAULT_KEY_FILE names no key file');
      const path = file;
      await readText(path);
      const key = randomBytes(KEY_BYTES);
      // What somebody else put in since it was read would be lost, and with it whatever is wrapped by it already.
      await withLock(`${path}.lock`, (stillMine) => addTo(path, key, stillMine)).catch((cause: unknown) => {
        throw cause instanceof LockTaken ? new VaultClosed(cause.message, { cause }) : cause;
      });
      loaded = undefined;
      return idOf(key);
    },
  };
};
