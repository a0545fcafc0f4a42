/**
 * Read models are kept in sets (live, next, previous), each in a schema of its own: what a set's tables lack, the parked events,
 * moves in with them, so that it goes where they go.
 */
export const sql = `
ALTER TABLE runtime.projections ADD COLUMN model_set text NOT NULL DEFAULT 'live'
  CHECK (model_set IN ('live', 'next', 'previous'));
ALTER TABLE runtime.projections ALTER COLUMN model_set DROP DEFAULT;
ALTER TABLE runtime.projections DROP CONSTRAINT projections_pkey;
-- Checked at the end of a statement: two sets change places in one.
ALTER TABLE runtime.projections ADD PRIMARY KEY (model_set, name) DEFERRABLE INITIALLY IMMEDIATE;

ALTER TABLE runtime.parked_events SET SCHEMA read_model;
`;
