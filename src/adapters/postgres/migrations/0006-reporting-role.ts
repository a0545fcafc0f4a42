/**
 * The role that may read the views for reports, and nothing else. Roles are of the whole server: another database may have made it, and
 * a user who may not make one leaves it to whoever may (docs/guides/reporting.md).
 */
export const sql = `
DO $$
BEGIN
  IF to_regrole('holdfast_reporting') IS NULL THEN
    CREATE ROLE holdfast_reporting NOLOGIN;
  END IF;
EXCEPTION
  WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN NULL;
END
$$;
`;
