-- name: change_model_route
-- Record a change of a route and tell every replica; without variants the route is as models.yaml says again.
WITH changed AS (
  INSERT INTO seawall.model_route_changes (route, variants, fallback, who, why)
  VALUES (%(route)s, %(variants)s::jsonb, %(fallback)s, %(who)s, %(why)s)
)
SELECT pg_notify('seawall_model_routes', %(route)s)

-- name: current_model_routes
-- The newest change of each route.
SELECT DISTINCT ON (route) number, route, variants, fallback, who, why, at
FROM seawall.model_route_changes
ORDER BY route, number DESC

-- name: model_route_history
-- The changes of a route, newest first.
SELECT number, route, variants, fallback, who, why, at
FROM seawall.model_route_changes
WHERE route = %(route)s
ORDER BY number DESC
LIMIT %(limit)s
