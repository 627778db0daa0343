-- name: write_summary
-- Keep the last good answer of a key, unless a newer one is there.
INSERT INTO seawall.summaries (key, watermark, made_at, sealed) VALUES (%(key)s, %(watermark)s, %(made_at)s, %(sealed)s)
ON CONFLICT (key) DO UPDATE
SET watermark = excluded.watermark, made_at = excluded.made_at, sealed = excluded.sealed, written_at = now()
WHERE summaries.made_at <= excluded.made_at

-- name: read_summary
-- The last good answer of a key.
SELECT sealed, made_at FROM seawall.summaries WHERE key = %(key)s

-- name: forget_summaries
-- Drop answers not written again for a while, and the oldest beyond a number.
DELETE FROM seawall.summaries
WHERE written_at < now() - make_interval(secs => %(older_seconds)s)
   OR key IN (SELECT key FROM seawall.summaries ORDER BY written_at DESC, key OFFSET %(count_max)s)
