-- name: draw_allotment
-- Bill an allotment to an account and the tenant's, as far as the budgets reach.
SELECT granted, remaining, seconds
FROM seawall.draw_allotment(%(id)s::uuid, %(step)s, %(holder)s, %(account)s, %(payer)s, %(budget)s, %(period)s, %(want)s, %(need)s, %(now)s);

-- name: report_allotments
-- Take a holder's words for what it spent of its allotments and still holds; those heeded.
SELECT id::text AS id FROM seawall.report_allotments(%(reports)s::jsonb, %(now)s) AS id;

-- name: open_allotments
-- What a replica has drawn and not closed.
SELECT id::text AS id, drawn, spent, step FROM seawall.allotments WHERE holder = %(holder)s AND closed_at IS NULL ORDER BY id;

-- name: account_state
-- What is billed to an account in the period of a moment, beside the sum of its entries.
SELECT a.name, a.budget, a.period, coalesce(p.billed, 0) AS billed,
       (SELECT coalesce(sum(amount), 0)::bigint FROM seawall.ledger l WHERE l.account = a.name AND l.period_start = p.period_start) AS entries
FROM seawall.accounts a
LEFT JOIN seawall.account_periods p ON p.account = a.name AND p.period_start = seawall.period_start(a.period, to_timestamp(%(now)s))
WHERE a.name = %(account)s;
