-- Machine keys of the model proxy, and the ledger of what model calls cost. Money is whole nano-dollars (1e-9 USD).
-- Services change the ledger by calling its two functions and in no other way; entries are never changed or removed.

CREATE TABLE seawall.accounts (
  name       text PRIMARY KEY,            -- tenant:NAME; key:ID for a machine key with a budget of its own, whose draws are billed to the tenant too
  budget     bigint CHECK (budget >= 0),  -- NULL: no limit
  period     text NOT NULL CHECK (period IN ('hour', 'day', 'week', 'month', 'total')),
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE seawall.account_periods (
  account      text NOT NULL REFERENCES seawall.accounts (name),
  period_start timestamptz NOT NULL,
  billed       bigint NOT NULL DEFAULT 0, -- the sum of the entries: what was spent, and what replicas hold to spend
  PRIMARY KEY (account, period_start)
);

CREATE TABLE seawall.allotments (
  id            uuid PRIMARY KEY,
  holder        text NOT NULL,            -- the replica
  accounts      text[] NOT NULL,          -- all that are billed, in order of the alphabet
  period_starts timestamptz[] NOT NULL,   -- of each of them
  drawn         bigint NOT NULL,          -- what is billed for it now
  spent         bigint NOT NULL DEFAULT 0,-- as last reported, with what calls in flight may cost
  step          integer NOT NULL,         -- of its holder's words about it the last heard; an older one that comes late is not heeded
  opened_at     timestamptz NOT NULL,
  seen_at       timestamptz NOT NULL,
  closed_at     timestamptz
);
CREATE INDEX allotments_open ON seawall.allotments (holder) WHERE closed_at IS NULL;

CREATE TABLE seawall.ledger (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at           timestamptz NOT NULL,
  account      text NOT NULL,
  period_start timestamptz NOT NULL,
  allotment    uuid NOT NULL,
  kind         text NOT NULL CHECK (kind IN ('draw', 'return', 'overrun')),
  amount       bigint NOT NULL CHECK (amount <> 0 AND (amount < 0) = (kind = 'return')),
  FOREIGN KEY (account, period_start) REFERENCES seawall.account_periods (account, period_start)
);
CREATE INDEX ledger_by_account ON seawall.ledger (account, period_start);

CREATE FUNCTION seawall.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'entries of the ledger are never changed or removed';
END $$;
CREATE TRIGGER ledger_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON seawall.ledger
  FOR EACH STATEMENT EXECUTE FUNCTION seawall.refuse_change();

CREATE TABLE seawall.model_keys (
  id         text PRIMARY KEY,
  name       text NOT NULL,
  tenant     text NOT NULL,
  hash       text NOT NULL,               -- SHA-256 of the secret, hexadecimal
  principal  jsonb NOT NULL,
  limits     jsonb NOT NULL,
  account    text NOT NULL,               -- who pays
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  revoked_at timestamptz
);
CREATE UNIQUE INDEX model_keys_by_name ON seawall.model_keys (tenant, name) WHERE revoked_at IS NULL;

CREATE FUNCTION seawall.period_start(period text, at timestamptz) RETURNS timestamptz LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE period WHEN 'total' THEN to_timestamp(0) ELSE date_trunc(period, at, 'UTC') END
$$;

CREATE FUNCTION seawall.period_seconds(period text, at timestamptz) RETURNS double precision LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE period WHEN 'total' THEN 1e12 ELSE
    extract(epoch FROM ((date_trunc(period, at AT TIME ZONE 'UTC') + ('1 ' || period)::interval) AT TIME ZONE 'UTC') - at) END::double precision
$$;

-- Bill an allotment to an account and its parent; what is granted may be less than wanted, and nothing when `need` is not there.
-- `seconds` says how long the period still lasts; 0: the allotment is of a period that is over, open another.
CREATE FUNCTION seawall.draw_allotment(
  p_id uuid, p_step integer, p_holder text, p_account text, p_payer text, p_budget bigint, p_period text,
  p_want bigint, p_need bigint, p_at double precision
) RETURNS TABLE (granted bigint, remaining bigint, seconds double precision)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_at       timestamptz := coalesce(to_timestamp(p_at), clock_timestamp());
  v_names    text[] := '{}';
  v_starts   timestamptz[] := '{}';
  v_account  seawall.accounts;
  v_start    timestamptz;
  v_billed   bigint;
  v_held     seawall.allotments;
BEGIN
  remaining := 9223372036854775807;
  seconds := 1e12;
  granted := 0;
  INSERT INTO seawall.accounts AS a (name, budget, period) VALUES (p_payer, p_budget, p_period)
  ON CONFLICT (name) DO UPDATE SET budget = excluded.budget, period = excluded.period
  WHERE (a.budget, a.period) IS DISTINCT FROM (excluded.budget, excluded.period);
  FOR v_account IN SELECT * FROM seawall.accounts WHERE name IN (p_account, p_payer) ORDER BY name LOOP
    v_start := seawall.period_start(v_account.period, v_at);
    INSERT INTO seawall.account_periods (account, period_start) VALUES (v_account.name, v_start) ON CONFLICT DO NOTHING;
    SELECT billed INTO v_billed FROM seawall.account_periods p WHERE p.account = v_account.name AND p.period_start = v_start FOR UPDATE;
    remaining := least(remaining, v_account.budget - v_billed);
    seconds := least(seconds, seawall.period_seconds(v_account.period, v_at));
    v_names := v_names || v_account.name;
    v_starts := v_starts || v_start;
  END LOOP;
  IF NOT p_account = ANY (v_names) THEN  -- a key's account that is gone
    remaining := 0;
    RETURN NEXT;
    RETURN;
  END IF;
  SELECT * INTO v_held FROM seawall.allotments WHERE id = p_id FOR UPDATE;
  IF v_held.id IS NOT NULL AND (v_held.step >= p_step OR v_held.closed_at IS NOT NULL OR v_held.period_starts <> v_starts) THEN
    seconds := CASE WHEN v_held.period_starts <> v_starts THEN 0 ELSE seconds END;
    RETURN NEXT;
    RETURN;
  END IF;
  granted := greatest(least(p_want, greatest(p_need, remaining / 4), remaining), 0);
  IF granted < p_need THEN
    granted := 0;
  END IF;
  INSERT INTO seawall.allotments AS a (id, holder, accounts, period_starts, drawn, step, opened_at, seen_at)
  VALUES (p_id, p_holder, v_names, v_starts, granted, p_step, v_at, v_at)
  ON CONFLICT (id) DO UPDATE SET drawn = a.drawn + granted, step = p_step, seen_at = v_at;
  IF granted > 0 THEN
    UPDATE seawall.account_periods p SET billed = p.billed + granted
    FROM unnest(v_names, v_starts) AS u (account, period_start) WHERE (p.account, p.period_start) = (u.account, u.period_start);
    INSERT INTO seawall.ledger (at, account, period_start, allotment, kind, amount)
    SELECT v_at, u.account, u.period_start, p_id, 'draw', granted FROM unnest(v_names, v_starts) AS u (account, period_start);
    remaining := remaining - granted;
  END IF;
  RETURN NEXT;
END $$;

-- Take holders' words for what they spent of their allotments and still hold: [{"id", "step", "spent", "hold", "close"}].
-- What is neither goes back to the accounts; what was spent beyond what was drawn is billed, budget or not.
CREATE FUNCTION seawall.report_allotments(p_reports jsonb, p_at double precision) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_at    timestamptz := coalesce(to_timestamp(p_at), clock_timestamp());
  v_word  record;
  v_held  seawall.allotments;
  v_delta bigint;
BEGIN
  PERFORM 1 FROM seawall.account_periods p
  WHERE (p.account, p.period_start) IN (
    SELECT u.account, u.period_start
    FROM seawall.allotments a
    JOIN jsonb_to_recordset(p_reports) AS r (id uuid) USING (id), unnest(a.accounts, a.period_starts) AS u (account, period_start)
  )
  ORDER BY p.account, p.period_start FOR UPDATE;
  FOR v_word IN
    SELECT * FROM jsonb_to_recordset(p_reports) AS r (id uuid, step integer, spent bigint, hold bigint, close boolean) ORDER BY id
  LOOP
    INSERT INTO seawall.allotments (id, holder, accounts, period_starts, drawn, step, opened_at, seen_at, closed_at)
    VALUES (v_word.id, '', '{}', '{}', 0, v_word.step, v_at, v_at, v_at)  -- a draw that is still on its way must find it closed
    ON CONFLICT (id) DO NOTHING;
    SELECT * INTO v_held FROM seawall.allotments WHERE id = v_word.id AND closed_at IS NULL AND step < v_word.step FOR UPDATE;
    CONTINUE WHEN v_held.id IS NULL;
    v_delta := v_word.spent + v_word.hold - v_held.drawn;
    UPDATE seawall.allotments
    SET drawn = drawn + v_delta, spent = v_word.spent, step = v_word.step, seen_at = v_at,
        closed_at = CASE WHEN v_word.close THEN v_at END
    WHERE id = v_word.id;
    IF v_delta <> 0 THEN
      UPDATE seawall.account_periods p SET billed = p.billed + v_delta
      FROM unnest(v_held.accounts, v_held.period_starts) AS u (account, period_start)
      WHERE (p.account, p.period_start) = (u.account, u.period_start);
      INSERT INTO seawall.ledger (at, account, period_start, allotment, kind, amount)
      SELECT v_at, u.account, u.period_start, v_word.id, CASE WHEN v_delta < 0 THEN 'return' ELSE 'overrun' END, v_delta
      FROM unnest(v_held.accounts, v_held.period_starts) AS u (account, period_start);
    END IF;
    RETURN NEXT v_word.id;
  END LOOP;
END $$;

REVOKE EXECUTE ON FUNCTION seawall.draw_allotment, seawall.report_allotments FROM PUBLIC;
