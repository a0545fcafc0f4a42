import { sql as runtime } from './0001-runtime.js';
import { sql as snapshots } from './0003-snapshots.js';
import { sql as modelSets } from './0004-model-sets.js';
import { sql as vault } from './0005-vault.js';
import { sql as reportingRole } from './0006-reporting-role.js';

export interface NamedMigration {
  readonly name: string;
  readonly sql: string;
}

/** Append only: a migration that has been committed is never changed, reordered or removed. */
export const migrations: readonly NamedMigration[] = [
  { name: '0001-runtime', sql: runtime },
  { name: '0003-snapshots', sql: snapshots },
  { name: '0004-model-sets', sql: modelSets },
  { name: '0005-vault', sql: vault },
  { name: '0006-reporting-role', sql: reportingRole },
];
