-- Generations of the warehouse, what panels are used, last-good answers, sign-in, and what browsers measured.
-- Secrets are kept only as SHA-256 digests (hexadecimal text).

CREATE TABLE seawall.generations (
  id         text PRIMARY KEY,
  app        text NOT NULL,
  created_at timestamptz NOT NULL,
  as_of      date NOT NULL,
  manifest   jsonb NOT NULL
);
CREATE INDEX generations_by_app ON seawall.generations (app, id DESC);

CREATE TABLE seawall.current_generations (
  app        text PRIMARY KEY,
  generation text NOT NULL REFERENCES seawall.generations (id),
  moved_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE seawall.panel_use (
  key          text PRIMARY KEY,          -- SHA-256 of (app, page, panel, parameters, locale, fingerprint): parameters may be long
  app          text NOT NULL,
  page         text NOT NULL,
  panel        text NOT NULL,
  parameters   jsonb NOT NULL,
  locale       text NOT NULL,
  fingerprint  text NOT NULL,
  policy       bytea NOT NULL,
  uses         double precision NOT NULL, -- halves every week
  last_used_at timestamptz NOT NULL
);
CREATE INDEX panel_use_by_uses ON seawall.panel_use (app, uses DESC);

CREATE TABLE seawall.summaries (
  key        text PRIMARY KEY,            -- the cache key without its watermark
  watermark  text NOT NULL,
  made_at    double precision NOT NULL,   -- seconds since 1970
  sealed     bytea NOT NULL,
  written_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX summaries_by_age ON seawall.summaries (written_at);

CREATE TABLE seawall.sign_in_links (
  hash       text PRIMARY KEY,
  principal  jsonb NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at    timestamptz
);

CREATE TABLE seawall.sessions (
  family        text PRIMARY KEY,
  current_hash  text NOT NULL UNIQUE,
  previous_hash text,
  rotated_at    timestamptz NOT NULL,
  principal     jsonb NOT NULL,
  expires_at    timestamptz NOT NULL,
  revoked_at    timestamptz
);
CREATE INDEX sessions_by_previous_hash ON seawall.sessions (previous_hash);

CREATE TABLE seawall.web_vitals (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  received_at timestamptz NOT NULL DEFAULT now(),
  app         text NOT NULL,
  page        text NOT NULL,
  release     text NOT NULL,
  action      text NOT NULL,              -- what the user did: navigate, filter, back, retry …
  metric      text NOT NULL,              -- LCP, CLS, INP, FCP, TTFB …
  value       double precision NOT NULL,
  rating      text NOT NULL,
  trace_id    text NOT NULL DEFAULT ''
);
CREATE INDEX web_vitals_by_page ON seawall.web_vitals (app, page, metric, received_at);
