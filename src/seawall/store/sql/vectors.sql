-- name: open_vector_index
-- The index of this name, made when it is missing.
SELECT seawall.open_vector_index(%(app)s::text, %(collection)s::text, %(embedder)s::text, %(generation)s::text, %(live)s::boolean) AS id;

-- name: finish_vector_index
-- Index what was added and let it serve.
SELECT * FROM seawall.finish_vector_index(%(index)s::bigint);

-- name: drop_vector_indexes
-- Drop what has been old for so long.
SELECT name FROM seawall.drop_vector_indexes(%(app)s::text, %(collection)s::text, %(older_seconds)s::double precision) AS name;

-- name: vector_indexes
-- Every index of a collection, newest first.
SELECT * FROM seawall.vector_indexes WHERE app = %(app)s AND collection = %(collection)s ORDER BY id DESC;

-- name: add_vector_texts
-- Vectors by their texts' digests; those that are there stay as they are.
INSERT INTO seawall.vector_texts (index_id, digest, vector)
SELECT %(index)s::bigint, u.digest, u.vector::halfvec(384) FROM unnest(%(digests)s::bytea[], %(vectors)s::text[]) AS u (digest, vector)
ON CONFLICT DO NOTHING;

-- name: take_over_vector_texts
-- Copy the vectors that another index of the same embedder has, and tell which of these digests are here now.
WITH taken AS (
  INSERT INTO seawall.vector_texts (index_id, digest, vector)
  SELECT DISTINCT ON (t.digest) %(index)s::bigint, t.digest, t.vector
  FROM seawall.vector_texts t JOIN seawall.vector_indexes i ON i.id = t.index_id
  WHERE i.embedder = %(embedder)s AND t.index_id <> %(index)s AND t.digest = ANY (%(digests)s::bytea[])
  ON CONFLICT DO NOTHING
  RETURNING digest
)
SELECT digest FROM taken
UNION
SELECT digest FROM seawall.vector_texts WHERE index_id = %(index)s AND digest = ANY (%(digests)s::bytea[]);

-- name: put_vector_items
-- Which text describes each key.
INSERT INTO seawall.vector_items AS i (index_id, key, digest)
SELECT %(index)s::bigint, u.key, u.digest FROM unnest(%(keys)s::text[], %(digests)s::bytea[]) AS u (key, digest)
ON CONFLICT (index_id, key) DO UPDATE SET digest = excluded.digest WHERE i.digest <> excluded.digest;

-- name: forget_vector_items
-- Let go of keys.
DELETE FROM seawall.vector_items WHERE index_id = %(index)s AND key = ANY (%(keys)s::text[]);

-- name: count_vectors
-- How many items and texts an index holds now.
SELECT
  (SELECT count(*) FROM seawall.vector_items WHERE index_id = %(index)s) AS items,
  (SELECT count(*) FROM seawall.vector_texts WHERE index_id = %(index)s) AS texts;

-- name: vector_of_item
-- The vector of a key's text.
SELECT t.vector::text AS vector
FROM seawall.vector_items i JOIN seawall.vector_texts t ON t.index_id = %(index)s AND t.digest = i.digest
WHERE i.index_id = %(index)s AND i.key = %(key)s;

-- name: nearest_vectors
-- A page of keys by (distance, key) out of the `texts` nearest texts; where those are not all, the last distance among them is not whole and left out.
WITH near AS MATERIALIZED (
  SELECT digest, vector <=> %(vector)s::halfvec(384) AS distance
  FROM seawall.vector_texts
  WHERE index_id = %(index)s AND vector <=> %(vector)s::halfvec(384) >= %(after_distance)s::double precision
  ORDER BY vector <=> %(vector)s::halfvec(384)
  LIMIT %(texts)s::bigint
), edge AS (
  SELECT count(*) AS found, max(distance) AS last FROM near
), page AS (
  SELECT i.key, n.distance
  FROM edge e CROSS JOIN near n JOIN seawall.vector_items i ON i.index_id = %(index)s AND i.digest = n.digest
  WHERE (e.found < %(texts)s::bigint OR n.distance < e.last)
    AND (n.distance > %(after_distance)s::double precision OR i.key > %(after_key)s::text COLLATE "C") AND i.key <> %(but)s::text
  ORDER BY n.distance, i.key LIMIT %(limit)s::bigint
)
SELECT e.found, p.key, p.distance FROM edge e LEFT JOIN page p ON true ORDER BY p.distance, p.key;

-- name: nearest_vector_texts
-- The nearest texts, whatever they describe.
SELECT digest, distance FROM (
  SELECT digest, vector <=> %(vector)s::halfvec(384) AS distance
  FROM seawall.vector_texts WHERE index_id = %(index)s
  ORDER BY vector <=> %(vector)s::halfvec(384) LIMIT %(limit)s::bigint
) near ORDER BY distance, digest;

-- name: nearest_vectors_exactly
-- The same by looking at every vector, to measure the other against.
SELECT i.key, t.distance
FROM (
  SELECT digest, vector <=> %(vector)s::halfvec(384) AS distance FROM seawall.vector_texts WHERE index_id = %(index)s
) t JOIN seawall.vector_items i ON i.index_id = %(index)s AND i.digest = t.digest
ORDER BY t.distance, i.key LIMIT %(limit)s::bigint;
