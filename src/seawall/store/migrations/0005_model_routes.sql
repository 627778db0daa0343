-- Every change of the live route table; the newest of a route counts. Without variants it is as models.yaml says.
CREATE TABLE seawall.model_route_changes (
  number   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  route    text NOT NULL CHECK (length(route) BETWEEN 1 AND 100),
  variants jsonb,
  fallback text[] NOT NULL DEFAULT '{}',
  who      text NOT NULL,
  why      text NOT NULL,
  at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON seawall.model_route_changes (route, number DESC);
