-- The maths of bucket.rs on the server's time: one token is a debt of `per` microseconds, each microsecond pays back
-- `capacity`. Whole numbers below 2^53 are exact in Lua. A full bucket has no key.
-- KEYS[1] bucket, ARGV capacity, per, cost. Returns {1 when allowed, debt afterwards}.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local capacity, per, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

local debt = 0
local kept = redis.call('GET', KEYS[1])
if kept then
  local owed, at = string.match(kept, '^(%d+) (%d+)$')
  local elapsed = math.min(math.max(now - tonumber(at), 0), per)
  debt = math.max(tonumber(owed) - elapsed * capacity, 0)
end

local wanted = math.max(debt + cost * per, 0)
local allowed = cost <= 0 or wanted <= capacity * per
if allowed and cost ~= 0 then
  debt = wanted
  if debt == 0 then
    redis.call('DEL', KEYS[1])
  else
    local value = string.format('%.0f %.0f', debt, now)
    redis.call('SET', KEYS[1], value, 'PX', string.format('%.0f', math.ceil(debt / capacity / 1000)))
  end
end
return { allowed and 1 or 0, string.format('%.0f', debt) }
