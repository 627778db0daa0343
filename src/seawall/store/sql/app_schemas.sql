-- name: create_schema_statement
-- The statement that makes the schema of an app's operational tables; no row when it is there.
SELECT format('CREATE SCHEMA %%I', %(schema)s::text) AS statement
WHERE NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = %(schema)s);

-- name: read_schema_statement
-- The statement that lets the embedded services read what the asker has in the schema now, and makes there later.
SELECT concat_ws('; ',
  format('GRANT USAGE ON SCHEMA %%I TO seawall_ui, seawall_workers', nspname),
  format('ALTER DEFAULT PRIVILEGES IN SCHEMA %%I GRANT SELECT ON TABLES TO seawall_ui, seawall_workers', nspname),
  (SELECT string_agg(format('GRANT SELECT ON %%I.%%I TO seawall_ui, seawall_workers', nspname, relname), '; ')
   FROM pg_class WHERE relnamespace = pg_namespace.oid AND relkind IN ('r', 'p', 'v', 'm', 'f') AND pg_has_role(relowner, 'USAGE'))) AS statement
FROM pg_namespace WHERE nspname = %(schema)s AND pg_has_role(nspowner, 'USAGE');
