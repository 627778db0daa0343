-- name: count_panel_use
-- Add uses of one variant of a panel; earlier ones count half after a week.
INSERT INTO seawall.panel_use (key, app, page, panel, parameters, locale, fingerprint, policy, uses, last_used_at)
VALUES (%(key)s, %(app)s, %(page)s, %(panel)s, %(parameters)s, %(locale)s, %(fingerprint)s, %(policy)s, %(uses)s, %(at)s)
ON CONFLICT (key) DO UPDATE
SET uses = panel_use.uses * power(0.5, greatest(0, extract(epoch FROM excluded.last_used_at - panel_use.last_used_at)) / 604800) + excluded.uses,
    last_used_at = greatest(panel_use.last_used_at, excluded.last_used_at),
    policy = excluded.policy

-- name: most_used_panels
-- The variants of an app's panels by recent use, most used first.
SELECT page, panel, parameters, locale, fingerprint, policy,
       uses * power(0.5, greatest(0, extract(epoch FROM %(at)s - last_used_at)) / 604800) AS uses
FROM seawall.panel_use
WHERE app = %(app)s
ORDER BY 7 DESC, key
LIMIT %(limit)s

-- name: forget_panel_use
-- Drop variants not used for a while.
DELETE FROM seawall.panel_use WHERE last_used_at < %(before)s
