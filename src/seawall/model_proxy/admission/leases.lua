-- The same as buckets.py, step for step. KEYS: a hash for each subject.
-- ARGV: now in ms (0: Valkey's own clock), lease in ms, holder, then for each subject: limits of requests, tokens, streams;
-- need, want, give of requests; need, want, give of tokens; streams held, needed, wanted.
local now, ttl, holder = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local function filled(level, limit, elapsed, given)
  return math.min(limit * 1000, level + math.floor(elapsed * limit / 60) + given * 1000)
end
local function granted(level, need, want)
  local whole = math.floor(level / 1000)
  local got = math.min(want, math.max(need, math.floor(whole / 2)), math.max(0, whole))
  if got >= need then return got end
  return 0
end
local answer = {}
for number, key in ipairs(KEYS) do
  local given = {}
  for at = 1, 12 do given[at] = tonumber(ARGV[3 + (number - 1) * 12 + at]) end
  local state, others = {}, 0
  local flat = redis.call('HGETALL', key)
  for at = 1, #flat, 2 do
    local name, value = flat[at], flat[at + 1]
    if string.sub(name, 1, 2) ~= 's:' then
      state[name] = tonumber(value)
    elseif name ~= 's:' .. holder then
      local count, till = string.match(value, '^(%d+)|(%d+)$')
      if tonumber(till) > now then others = others + tonumber(count) else redis.call('HDEL', key, name) end
    end
  end
  local elapsed = math.min(math.max(0, now - (state.at or now)), 120000)
  local requests = filled(state.r or given[1] * 1000, given[1], elapsed, given[6])
  local tokens = filled(state.t or given[2] * 1000, given[2], elapsed, given[9])
  local got_requests = granted(requests, given[4], given[5])
  local got_tokens = granted(tokens, given[7], given[8])
  requests = requests - got_requests * 1000
  tokens = tokens - got_tokens * 1000
  local room = given[3] - others
  local spare = math.floor(math.max(0, room - given[11]) / 2)
  local streams = math.max(given[10], math.min(given[12], given[11] + spare, room))
  local short = state.short or -5000
  if streams < given[11] then short = now end
  if streams > 0 then
    redis.call('HSET', key, 's:' .. holder, string.format('%.0f|%.0f', streams, now + ttl))
  else
    redis.call('HDEL', key, 's:' .. holder)
  end
  redis.call('HSET', key, 'at', string.format('%.0f', math.max(now, state.at or now)), 'r', string.format('%.0f', requests),
    't', string.format('%.0f', tokens), 'short', string.format('%.0f', short))
  redis.call('EXPIRE', key, 120)
  for _, one in ipairs({got_requests, requests, got_tokens, tokens, streams, (now - short < 5000) and 1 or 0}) do
    answer[#answer + 1] = one
  end
end
return answer
