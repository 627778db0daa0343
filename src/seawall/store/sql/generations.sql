-- name: publish_generation
-- Record a generation, make it its app's current one and tell the listeners, all or nothing.
WITH recorded AS (
  INSERT INTO seawall.generations (id, app, created_at, as_of, manifest)
  VALUES (%(id)s, %(app)s, %(created_at)s, %(as_of)s, %(manifest)s::jsonb)
  ON CONFLICT (id) DO NOTHING
), moved AS (
  INSERT INTO seawall.current_generations (app, generation) VALUES (%(app)s, %(id)s)
  ON CONFLICT (app) DO UPDATE SET generation = excluded.generation, moved_at = now()
)
SELECT pg_notify('seawall_generation', %(app)s || ' ' || %(id)s)

-- name: current_generations
-- The generation each app serves now.
SELECT app, generation FROM seawall.current_generations

-- name: generation_manifest
-- The files of one generation, as its manifest says.
SELECT manifest FROM seawall.generations WHERE id = %(id)s

-- name: forget_generations
-- Drop the rows of an app's old generations; the current one and those named stay.
DELETE FROM seawall.generations g
WHERE g.app = %(app)s AND g.id <> ALL (%(keep)s)
  AND NOT EXISTS (SELECT 1 FROM seawall.current_generations c WHERE c.generation = g.id)
