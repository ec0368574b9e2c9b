-- The role that the studio's processes connect as. The books are only ever added to: this role
-- cannot change or remove an entry, whatever the code does. Run by the owner of the tables after
-- every `migrate`, which goes on as the owner:
--
--   CREATE ROLE studio_app LOGIN PASSWORD '…';
--   psql -f docker/postgres-role.sql "$OWNERS_DATABASE_URL"
--
-- Then DATABASE_URL of web, socket, worker and beat names studio_app.
GRANT USAGE ON SCHEMA public TO studio_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO studio_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO studio_app;
REVOKE UPDATE, DELETE ON billing_entry FROM studio_app;
