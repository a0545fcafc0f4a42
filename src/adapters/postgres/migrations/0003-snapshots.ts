/**
 * Snapshots as compressed text. Nothing is lost with the old table, which nobody wrote to. Unlogged: a cache is worth no write-ahead
 * log; after a crash of PostgreSQL it is empty.
 */
export const sql = `
DROP TABLE runtime.snapshots;

-- States of long streams. A cache: any row may be deleted at any time.
CREATE UNLOGGED TABLE runtime.snapshots (
  stream          text COLLATE "C" NOT NULL,
  decider_version integer NOT NULL,
  revision        bigint NOT NULL,
  -- gzip of JSON text, see runtime/snapshot-text.ts.
  body            bytea NOT NULL,
  taken_at        timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (stream, decider_version)
);
ALTER TABLE runtime.snapshots ALTER COLUMN body SET STORAGE EXTERNAL;
`;
