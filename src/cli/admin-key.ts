import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { createApiKey } from '../api/api-keys.js';
import type { House } from '../main.js';

const ADMIN_KEY_FILE = 'admin.key';
/** Any constant: lets one process look for keys and make the first while the others wait. */
const ADMIN_KEY_LOCK = 8_103_378;

/**
 * The first admin key, in a file of the data directory that only its owner can read. Made once; later starts find it. Where the file is gone,
 * an embedded database gets another one, since whoever starts it owns it; a database of one's own, which many processes on many machines
 * share, gets none while there is any key in it: then it is undefined, and `holdfast create-key` makes one.
 */
export const ensureAdminKey = async ({
  settings,
  db,
}: Pick<House, 'settings' | 'db'>): Promise<string | undefined> => {
  const file = join(resolve(settings.dataDir), ADMIN_KEY_FILE);
  return db.transaction(async (tx) => {
    await tx.query('SELECT pg_advisory_xact_lock($1)', [ADMIN_KEY_LOCK]);
    const { rows } = await tx.query<{ count: bigint }>('SELECT count(*) AS count FROM runtime.api_keys');
    if ((rows[0]?.count ?? 0n) > 0n) {
      const known = await readFile(file, 'utf8').catch(() => undefined);
      if (known !== undefined) return known.trim();
      if (settings.databaseUrl !== undefined) return undefined;
    }
    // With nothing embedded nobody has made the directory yet, and a key that cannot be written down is lost.
    await mkdir(dirname(file), { recursive: true });
    const { secret } = await createApiKey(tx, { role: 'admin' });
    await writeFile(file, `${secret}\n`, { mode: 0o600 });
    await chmod(file, 0o600);
    return secret;
  });
};
