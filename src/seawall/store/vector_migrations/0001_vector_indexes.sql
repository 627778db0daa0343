-- The vector store: indexes of vectors by app and collection, built beside the one that serves. It holds keys, digests of texts and
-- vectors, never a text. A partition an index: built whole, then indexed, then dropped whole.
DO $$
BEGIN
  IF to_regtype('halfvec') IS NULL THEN
    CREATE EXTENSION vector;
  END IF;
END $$;

CREATE TABLE seawall.vector_indexes (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  app        text NOT NULL,
  collection text NOT NULL,
  embedder   text NOT NULL,                     -- with its version: vectors of two versions are not to be compared
  generation text NOT NULL,                     -- of the data; empty for a collection that is added to as it goes
  name       text NOT NULL DEFAULT '',          -- of its tables, with app, collection, embedder and generation in it
  state      text NOT NULL DEFAULT 'building' CHECK (state IN ('building', 'current', 'old')),
  items      bigint NOT NULL DEFAULT 0,         -- when it was finished
  texts      bigint NOT NULL DEFAULT 0,
  made_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (app, collection, embedder, generation)
);
CREATE UNIQUE INDEX vector_indexes_current ON seawall.vector_indexes (app, collection) WHERE state = 'current';

CREATE TABLE seawall.vector_texts (
  index_id bigint NOT NULL,
  digest   bytea NOT NULL,                      -- of the text: rows with equal texts share a vector
  vector   halfvec(384) NOT NULL,
  PRIMARY KEY (index_id, digest)
) PARTITION BY LIST (index_id);

CREATE TABLE seawall.vector_items (
  index_id bigint NOT NULL,
  key      text COLLATE "C" NOT NULL,
  digest   bytea NOT NULL,
  PRIMARY KEY (index_id, key)
) PARTITION BY LIST (index_id);
CREATE INDEX vector_items_by_text ON seawall.vector_items (digest, key);

-- The index of this name, made when it is missing; a live one can be searched at once and is indexed as it grows.
CREATE FUNCTION seawall.open_vector_index(p_app text, p_collection text, p_embedder text, p_generation text, p_live boolean)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  v_id   bigint;
  v_name text;
BEGIN
  PERFORM set_config('lock_timeout', '2s', true);
  PERFORM pg_advisory_xact_lock(hashtextextended(concat_ws(E'\n', p_app, p_collection), 0));
  SELECT id INTO v_id FROM seawall.vector_indexes
  WHERE (app, collection, embedder, generation) = (p_app, p_collection, p_embedder, p_generation);
  IF v_id IS NOT NULL THEN
    RETURN v_id;
  END IF;
  INSERT INTO seawall.vector_indexes (app, collection, embedder, generation)
  VALUES (p_app, p_collection, p_embedder, p_generation) RETURNING id INTO v_id;
  v_name := lower(regexp_replace(
    concat_ws('_', left(p_app, 14), left(p_collection, 14), right(p_embedder, 8), left(p_generation, 16), v_id), '[^A-Za-z0-9_]', '_', 'g'));
  UPDATE seawall.vector_indexes SET name = v_name WHERE id = v_id;
  EXECUTE format('CREATE TABLE seawall.%I PARTITION OF seawall.vector_texts FOR VALUES IN (%s)', 't_' || v_name, v_id);
  EXECUTE format('CREATE TABLE seawall.%I PARTITION OF seawall.vector_items FOR VALUES IN (%s)', 'i_' || v_name, v_id);
  IF p_live THEN
    PERFORM seawall.finish_vector_index(v_id);
  END IF;
  RETURN v_id;
END $$;

-- Index what was added, and let it serve from now on; the one that served is old. Nothing where it serves already. What it holds.
CREATE FUNCTION seawall.finish_vector_index(p_id bigint) RETURNS SETOF seawall.vector_indexes
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  v_index seawall.vector_indexes;
BEGIN
  PERFORM set_config('lock_timeout', '10s', true);
  SELECT * INTO v_index FROM seawall.vector_indexes WHERE id = p_id FOR UPDATE;
  IF v_index.state = 'building' THEN
    EXECUTE format(
      'CREATE INDEX IF NOT EXISTS %I ON seawall.%I USING hnsw (vector halfvec_cosine_ops) WITH (m = 16, ef_construction = 128)',
      'h_' || v_index.name, 't_' || v_index.name);
    EXECUTE format('ANALYZE seawall.%I', 't_' || v_index.name);
    EXECUTE format('ANALYZE seawall.%I', 'i_' || v_index.name);
  END IF;
  IF v_index.state <> 'current' THEN
    UPDATE seawall.vector_indexes SET state = 'old', changed_at = clock_timestamp()
    WHERE (app, collection, state) = (v_index.app, v_index.collection, 'current');
    UPDATE seawall.vector_indexes i SET state = 'current', changed_at = clock_timestamp(),
      items = (SELECT count(*) FROM seawall.vector_items WHERE index_id = p_id),
      texts = (SELECT count(*) FROM seawall.vector_texts WHERE index_id = p_id)
    WHERE id = p_id;
  END IF;
  RETURN QUERY SELECT * FROM seawall.vector_indexes WHERE id = p_id;
END $$;

-- Drop what has been old for so long, and what was begun before the current one and never finished; the names dropped.
CREATE FUNCTION seawall.drop_vector_indexes(p_app text, p_collection text, p_older_seconds double precision) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  v_old record;
BEGIN
  PERFORM set_config('lock_timeout', '2s', true);
  FOR v_old IN
    SELECT id, name FROM seawall.vector_indexes i
    WHERE app = p_app AND collection = p_collection AND changed_at < clock_timestamp() - make_interval(secs => p_older_seconds)
      AND (state = 'old' OR state = 'building' AND EXISTS (
        SELECT FROM seawall.vector_indexes c WHERE (c.app, c.collection, c.state) = (i.app, i.collection, 'current') AND c.id > i.id))
    FOR UPDATE SKIP LOCKED
  LOOP
    EXECUTE format('DROP TABLE IF EXISTS seawall.%I, seawall.%I', 't_' || v_old.name, 'i_' || v_old.name);
    DELETE FROM seawall.vector_indexes WHERE id = v_old.id;
    RETURN NEXT v_old.name;
  END LOOP;
END $$;

REVOKE EXECUTE ON FUNCTION seawall.open_vector_index, seawall.finish_vector_index, seawall.drop_vector_indexes FROM PUBLIC;
