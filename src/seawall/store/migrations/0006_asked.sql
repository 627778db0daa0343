-- What people thought of answers to questions in words, without who they are: candidates for an app's golden questions.
CREATE TABLE seawall.asked (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  app       text NOT NULL,
  bundle    text NOT NULL,
  question  text NOT NULL CHECK (length(question) <= 2000),
  locale    text NOT NULL,
  before    text NOT NULL CHECK (length(before) <= 16384),
  understood text NOT NULL CHECK (length(understood) <= 16384),
  refusal   text NOT NULL,
  tier      text NOT NULL,
  verdict   text NOT NULL CHECK (verdict IN ('up', 'down')),
  comment   text NOT NULL CHECK (length(comment) <= 2000),
  day       date NOT NULL DEFAULT current_date
);
CREATE INDEX ON seawall.asked (app, id);

-- Answers that people keep on a page of their own: the question's parameters, never its rows.
CREATE TABLE seawall.kept_answers (
  id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  app    text NOT NULL,
  tenant text NOT NULL,
  owner  text NOT NULL,
  title  text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
  params text NOT NULL CHECK (length(params) BETWEEN 1 AND 16384),
  place  double precision NOT NULL,
  UNIQUE (app, tenant, owner, params)
);
