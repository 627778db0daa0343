-- name: add_sign_in_link
-- Remember a one-time link by the hash of its code.
INSERT INTO seawall.sign_in_links (hash, principal, expires_at)
VALUES (%(hash)s, %(principal)s::jsonb, to_timestamp(%(expires_at)s));

-- name: redeem_sign_in_link
-- Use a link and start a family of refresh secrets, both or neither: the first caller gets the principal, everybody after it nothing.
WITH link AS (
  UPDATE seawall.sign_in_links
  SET used_at = to_timestamp(%(now)s)
  WHERE hash = %(hash)s AND used_at IS NULL AND expires_at > to_timestamp(%(now)s)
  RETURNING principal
)
INSERT INTO seawall.sessions (family, current_hash, rotated_at, principal, expires_at)
SELECT %(family)s::text, %(secret_hash)s::text, to_timestamp(%(now)s),
  principal || jsonb_build_object('session', %(family)s::text), to_timestamp(%(expires_at)s)
FROM link
RETURNING principal::text AS principal;

-- name: rotate_session
-- Replace the current secret by the next one; of two racing callers one gets the row.
UPDATE seawall.sessions
SET previous_hash = current_hash, current_hash = %(next_hash)s, rotated_at = to_timestamp(%(now)s)
WHERE family = %(family)s AND current_hash = %(hash)s AND revoked_at IS NULL AND expires_at > to_timestamp(%(now)s)
RETURNING principal::text AS principal;

-- name: find_raced_session
-- The session whose secret was rotated moments ago: the same browser refreshed twice at once.
SELECT principal::text AS principal
FROM seawall.sessions
WHERE family = %(family)s AND previous_hash = %(hash)s AND revoked_at IS NULL
  AND expires_at > to_timestamp(%(now)s) AND rotated_at >= to_timestamp(%(rotated_after)s);

-- name: revoke_session
-- End a family; tokens minted from it run out within minutes.
UPDATE seawall.sessions SET revoked_at = to_timestamp(%(now)s) WHERE family = %(family)s AND revoked_at IS NULL
RETURNING family;

-- name: prune_sign_ins
-- Forget what has expired.
WITH links AS (DELETE FROM seawall.sign_in_links WHERE expires_at < to_timestamp(%(now)s))
DELETE FROM seawall.sessions WHERE expires_at < to_timestamp(%(now)s);
