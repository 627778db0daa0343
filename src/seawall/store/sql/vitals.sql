-- name: record_web_vital
-- Keep one measurement of a real user's browser.
INSERT INTO seawall.web_vitals (app, page, release, action, metric, value, rating, trace_id)
VALUES (%(app)s, %(page)s, %(release)s, %(action)s, %(metric)s, %(value)s, %(rating)s, %(trace_id)s)

-- name: web_vitals_of_page
-- The 75th percentile of each metric of a page by release, since a moment.
SELECT release, metric, count(*) AS samples, percentile_cont(0.75) WITHIN GROUP (ORDER BY value) AS p75
FROM seawall.web_vitals
WHERE app = %(app)s AND page = %(page)s AND received_at >= %(since)s
GROUP BY release, metric
ORDER BY release, metric

-- name: forget_web_vitals
-- Drop measurements received a while ago, and the oldest beyond a number.
DELETE FROM seawall.web_vitals
WHERE received_at < now() - make_interval(secs => %(older_seconds)s)
   OR id <= (SELECT max(id) - %(count_max)s FROM seawall.web_vitals)
