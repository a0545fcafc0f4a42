/**
 * The vault: personal data, encrypted, and nothing else. Keys and records lie apart, so that a backup can have one without the other
 * (docs/guides/personal-data.md). Vacuum comes by soon after a change: what was deleted shall not lie about in the files.
 */
const SOON = `autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 0,
  toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 0`;

export const sql = `
CREATE SCHEMA vault;
REVOKE ALL ON SCHEMA vault FROM PUBLIC;

-- One key per subject, wrapped by a master key that is in no database.
CREATE TABLE vault.keys (
  customer_id text COLLATE "C" PRIMARY KEY,
  -- Of the master key.
  key_id      text COLLATE "C" NOT NULL,
  wrapped     bytea NOT NULL
) WITH (${SOON});
CREATE INDEX keys_by_master ON vault.keys (key_id, customer_id);

CREATE TABLE vault.records (
  customer_id text COLLATE "C" PRIMARY KEY,
  version     integer NOT NULL,
  -- Of the API key that wrote it first; null when that was of no channel.
  channel     text COLLATE "C",
  -- See adapters/postgres/vault-crypto.ts.
  body        bytea NOT NULL,
  written_at  timestamptz NOT NULL
) WITH (${SOON});

-- Who was erased: an id that is never written again. Nothing of the person.
CREATE TABLE vault.erased (
  customer_id text COLLATE "C" PRIMARY KEY,
  erased_at   timestamptz NOT NULL,
  erased_by   text NOT NULL
);

-- Who read a record, when and for what.
CREATE TABLE vault.accesses (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer_id text COLLATE "C" NOT NULL,
  at          timestamptz NOT NULL,
  actor       text NOT NULL,
  role        text NOT NULL,
  purpose     text NOT NULL,
  order_id    text
);
CREATE INDEX accesses_by_subject ON vault.accesses (customer_id, id);
CREATE INDEX accesses_by_time ON vault.accesses (at);
`;
