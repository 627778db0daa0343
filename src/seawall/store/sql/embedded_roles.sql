-- name: create_role_statement
-- The statement that makes a service's role; the password arrives as a scram verifier.
SELECT format('CREATE ROLE %%I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD %%L', %(role)s::text, %(verifier)s::text) AS statement
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = %(role)s);

-- name: create_database_statement
-- The statement that makes the database, owned by the role that migrates it; no row when it is there.
SELECT format('CREATE DATABASE %%I OWNER %%I', %(database)s::text, %(owner)s::text) AS statement
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = %(database)s);

-- name: close_databases
-- Nobody enters a database by being in the cluster.
REVOKE ALL ON DATABASE seawall, postgres, template1 FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE seawall TO seawall_ui, seawall_workers, seawall_model_proxy;

-- name: grant_to_services
-- What each service may do, renewed after every migration: nothing that is not named here, and never DDL.
REVOKE ALL ON ALL TABLES IN SCHEMA seawall FROM seawall_ui, seawall_workers, seawall_model_proxy;
GRANT USAGE ON SCHEMA seawall TO seawall_ui, seawall_workers, seawall_model_proxy;
GRANT SELECT ON seawall.migrations TO seawall_ui, seawall_workers, seawall_model_proxy;
GRANT SELECT ON seawall.generations, seawall.current_generations, seawall.panel_use TO seawall_ui;
GRANT INSERT, UPDATE ON seawall.panel_use TO seawall_ui;
GRANT SELECT, INSERT, UPDATE, DELETE ON seawall.summaries, seawall.sign_in_links, seawall.sessions TO seawall_ui;
GRANT INSERT ON seawall.web_vitals TO seawall_ui;
GRANT SELECT, INSERT ON seawall.asked TO seawall_ui;
GRANT SELECT, INSERT, UPDATE, DELETE ON seawall.kept_answers TO seawall_ui;
GRANT SELECT ON seawall.model_keys TO seawall_model_proxy;
GRANT EXECUTE ON FUNCTION seawall.draw_allotment, seawall.report_allotments TO seawall_model_proxy;
GRANT SELECT, INSERT, UPDATE, DELETE
  ON seawall.generations, seawall.current_generations, seawall.panel_use, seawall.summaries, seawall.web_vitals TO seawall_workers;
GRANT SELECT ON seawall.model_route_changes TO seawall_model_proxy;

-- name: grant_jobs_to_workers
-- The job queue (Procrastinate) is the workers' own to use, not to alter.
DO $$
BEGIN
  IF to_regnamespace('procrastinate') IS NOT NULL THEN
    GRANT USAGE ON SCHEMA procrastinate TO seawall_workers;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA procrastinate TO seawall_workers;
    GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA procrastinate TO seawall_workers;
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA procrastinate TO seawall_workers;
  END IF;
END $$;

-- name: make_vector_extension
-- pgvector in the vector store's database.
CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;

-- name: grant_vectors_to_services
-- In the vector store: the workers build indexes, the ui searches them and keeps questions; tables are made and dropped by functions alone.
REVOKE ALL ON ALL TABLES IN SCHEMA seawall FROM seawall_ui, seawall_workers, seawall_model_proxy;
GRANT USAGE ON SCHEMA seawall TO seawall_ui, seawall_workers;
GRANT SELECT ON seawall.migrations, seawall.vector_indexes TO seawall_ui, seawall_workers;
GRANT SELECT, INSERT, UPDATE, DELETE ON seawall.vector_texts, seawall.vector_items TO seawall_ui, seawall_workers;
GRANT EXECUTE ON FUNCTION seawall.open_vector_index TO seawall_ui, seawall_workers;
GRANT EXECUTE ON FUNCTION seawall.finish_vector_index, seawall.drop_vector_indexes TO seawall_workers;
