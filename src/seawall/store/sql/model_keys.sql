-- name: add_model_key
-- Remember a machine key by its secret's hash, with an account of its own where it has a budget; replicas are told.
WITH added AS (
  INSERT INTO seawall.model_keys (id, name, tenant, hash, principal, limits, account, created_at, expires_at)
  VALUES (%(id)s, %(name)s, %(tenant)s, %(hash)s, %(principal)s::jsonb, %(limits)s::jsonb, %(account)s,
          to_timestamp(%(now)s), to_timestamp(%(expires_at)s))
  ON CONFLICT (tenant, name) WHERE revoked_at IS NULL DO NOTHING
  RETURNING id
), account AS (
  INSERT INTO seawall.accounts (name, budget, period)
  SELECT %(account)s, %(budget)s::bigint, %(period)s FROM added WHERE %(budget)s::bigint IS NOT NULL
)
SELECT id, pg_notify('seawall_model_keys', id)::text FROM added;

-- name: find_model_key
-- A key that was not revoked, by its id.
SELECT id, name, tenant, hash, principal::text AS principal, limits::text AS limits, account,
       extract(epoch FROM expires_at)::double precision AS expires_at
FROM seawall.model_keys
WHERE id = %(id)s AND revoked_at IS NULL;

-- name: list_model_keys
-- Every key with what it may and what it has spent in the current period of its account; the newest first.
SELECT k.id, k.name, k.tenant, k.principal::text AS principal, k.limits::text AS limits, k.account,
       extract(epoch FROM k.created_at)::double precision AS created_at,
       extract(epoch FROM k.expires_at)::double precision AS expires_at,
       extract(epoch FROM k.revoked_at)::double precision AS revoked_at,
       a.budget, a.period, coalesce(p.billed, 0) AS billed
FROM seawall.model_keys k
LEFT JOIN seawall.accounts a ON a.name = 'key:' || k.id
LEFT JOIN seawall.account_periods p
  ON p.account = a.name AND p.period_start = seawall.period_start(a.period, to_timestamp(%(now)s))
ORDER BY k.created_at DESC, k.id;

-- name: revoke_model_key
-- End a key by its id, or by its name within a tenant; every replica is told.
WITH revoked AS (
  UPDATE seawall.model_keys SET revoked_at = to_timestamp(%(now)s)
  WHERE revoked_at IS NULL AND (id = %(word)s OR (name = %(word)s AND tenant = %(tenant)s))
  RETURNING id, name, tenant
)
SELECT id, name, tenant, pg_notify('seawall_model_keys', id)::text FROM revoked;
