-- A URL may hold a NUL, which jsonb refuses; as text of JSON it is only an escape.
ALTER TABLE seawall.panel_use ALTER COLUMN parameters TYPE text USING parameters::text;
