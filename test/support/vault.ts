import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Person } from '../../src/domain/person.js';
import type { VaultCaller } from '../../src/runtime/vault.js';

export interface TestKeyFile {
  readonly file: string;
  /** Puts a new key before the others. */
  rotate(): Promise<void>;
  /** Leaves the first key only. */
  forgetOld(): Promise<void>;
  remove(): Promise<void>;
}

const newKey = (): string => `${randomBytes(32).toString('base64')}\n`;

/** A file with one master key, in a directory of its own. */
export const testKeyFile = async (): Promise<TestKeyFile> => {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-vault-'));
  const file = join(dir, 'vault.key');
  await writeFile(file, newKey(), { mode: 0o600 });
  return {
    file,
    rotate: async () => writeFile(file, newKey() + (await readFile(file, 'utf8'))),
    forgetOld: async () => writeFile(file, `${(await readFile(file, 'utf8')).split('\n')[0]}\n`),
    remove: () => rm(dir, { recursive: true, force: true }),
  };
};

/** Texts that are in no other test, in no program and in no dictionary, so that finding one is finding the person. */
export const UNMISTAKABLE = [
  'Xanthippeia',
  'Quorbleworth',
  'Zephyrquay 77',
  'Plimsollhaven',
  'QZ9 7XX',
  '+44 7700 900461',
  'xanthippeia@quorbleworth.example',
  'Barksatpostmen',
] as const;

export const UNMISTAKABLE_PERSON: Person = {
  name: { given: 'Xanthippeia', family: 'Quorbleworth' },
  addresses: [
    {
      addressId: 'home',
      street: ['Zephyrquay 77'],
      city: 'Plimsollhaven',
      postalCode: 'QZ9 7XX',
      country: 'GB',
    },
  ],
  phones: ['+44 7700 900461'],
  mails: ['xanthippeia@quorbleworth.example'],
  note: 'Barksatpostmen at the door',
};

export const named = (given: string): Person => ({ name: { given } });

export const privacy: VaultCaller = { actor: 'key:privacy', role: 'privacy' };
export const channelKey = (channel: string): VaultCaller => ({
  actor: `key:${channel}`,
  role: 'channel',
  channel,
});
