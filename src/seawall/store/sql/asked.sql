-- name: record_verdict
-- Keep what somebody thought of an answer, unless enough wait to be looked at.
INSERT INTO seawall.asked (app, bundle, question, locale, before, understood, refusal, tier, verdict, comment)
SELECT %(app)s, %(bundle)s, %(question)s, %(locale)s, %(before)s, %(understood)s, %(refusal)s, %(tier)s, %(verdict)s, %(comment)s
WHERE (SELECT count(*) FROM seawall.asked WHERE app = %(app)s) < %(count_max)s;

-- name: golden_candidates
-- What people thought of an app's answers, the newest first.
SELECT id, bundle, question, locale, before, understood, refusal, tier, verdict, comment, day
FROM seawall.asked
WHERE app = %(app)s
ORDER BY id DESC
LIMIT %(limit)s;

-- name: forget_candidates
-- Drop those that were looked at.
DELETE FROM seawall.asked WHERE app = %(app)s AND id <= %(up_to)s;

-- name: keep_answer
-- Put an answer at the end of somebody's page, with a new title when it is there already; nothing when the page is full.
INSERT INTO seawall.kept_answers (app, tenant, owner, title, params, place)
SELECT %(app)s, %(tenant)s, %(owner)s, %(title)s, %(params)s,
       coalesce((SELECT max(place) FROM seawall.kept_answers WHERE app = %(app)s AND tenant = %(tenant)s AND owner = %(owner)s), 0) + 1
WHERE (SELECT count(*) FROM seawall.kept_answers
       WHERE app = %(app)s AND tenant = %(tenant)s AND owner = %(owner)s AND params <> %(params)s) < %(count_max)s
ON CONFLICT (app, tenant, owner, params) DO UPDATE SET title = excluded.title
RETURNING id;

-- name: kept_answers
-- Somebody's page, in its order.
SELECT id, title, params
FROM seawall.kept_answers
WHERE app = %(app)s AND tenant = %(tenant)s AND owner = %(owner)s
ORDER BY place, id;

-- name: rename_kept_answer
-- Another title for an answer on somebody's own page.
UPDATE seawall.kept_answers SET title = %(title)s
WHERE id = %(id)s AND app = %(app)s AND tenant = %(tenant)s AND owner = %(owner)s;

-- name: move_kept_answer
-- Let an answer on somebody's own page change places with the one before it (`up`) or after it.
WITH own AS (
  SELECT id, place FROM seawall.kept_answers WHERE app = %(app)s AND tenant = %(tenant)s AND owner = %(owner)s
), moved AS (
  SELECT id, place FROM own WHERE id = %(id)s
), other AS (
  SELECT own.id, own.place FROM own, moved
  WHERE CASE WHEN %(up)s THEN (own.place, own.id) < (moved.place, moved.id) ELSE (own.place, own.id) > (moved.place, moved.id) END
  ORDER BY CASE WHEN %(up)s THEN -own.place ELSE own.place END LIMIT 1
)
UPDATE seawall.kept_answers AS kept
SET place = CASE WHEN kept.id = moved.id THEN other.place ELSE moved.place END
FROM moved, other
WHERE kept.id IN (moved.id, other.id);

-- name: drop_kept_answer
-- Take an answer off somebody's own page.
DELETE FROM seawall.kept_answers WHERE id = %(id)s AND app = %(app)s AND tenant = %(tenant)s AND owner = %(owner)s;
