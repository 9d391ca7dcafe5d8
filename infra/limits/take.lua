-- Each ask takes one token of each of its buckets, or none. Asks are answered in order.
--
-- KEYS     one hash a bucket: `level` and `at` (microseconds of the clock of the plans); a shared
--          one has besides, for each tenant, `t:<tenant>` = "<credit> <demand> <asked> <served>"
-- ARGV[1]  JSON: now (microseconds), tenant, and
--          buckets = [{capacity, per_s, seed, shared}] as KEYS, asks = [[place of a bucket, ...]]
-- answers  for each ask {0, 0} when it took its tokens, else {place of the shortest bucket,
--          milliseconds until it can have a token for this ask}
--
-- A shared bucket is divided so that who asks often does not get more: its tokens are credits of
-- the tenants that asked lately, what flows in goes to them in equal parts, and nobody takes what
-- is another's credit. A credit is never more than what its tenant last asked for, nor than its
-- part of the bucket; the rest is for whoever asks. A bucket that cannot hold a token for each of
-- them goes round instead, one token at a time, first to whom was served longest ago.

local LATELY_US = 10 * 1000000
local WAIT_S_MAX = 3600
local KEPT_S_MIN = 60
local KEPT_S_MAX = 86400
local ALMOST = 1e-9 -- what adding fractions may lack of a whole token

local given = cjson.decode(ARGV[1])
local now = given.now

local function number(text, otherwise)
    local found = tonumber(text or '')
    if found == nil or found ~= found then return otherwise end
    return found
end

local function within(low, x, high)
    return math.max(low, math.min(x, high))
end

local function read(place, spec)
    local stored = redis.call('HMGET', KEYS[place], 'level', 'at')
    local level = spec.seed
    if stored[2] then
        local passed_s = math.max(0, now - number(stored[2], now)) / 1000000
        level = number(stored[1], 0) + passed_s * spec.per_s
    end
    level = within(0, level, spec.capacity)
    return {
        key = KEYS[place], capacity = spec.capacity, per_s = spec.per_s, shared = spec.shared,
        level = level, mine = level, sharers = 1, demand = 0, waiting = 0,
    }
end

-- Shared buckets -----------------------------------------------------------------------------

local function read_sharer(tenant, text)
    local credit, demand, asked, served = string.match(text, '^(%S+) (%S+) (%S+) (%S+)$')
    return {
        tenant = tenant,
        credit = math.max(0, number(credit, 0)),
        demand = math.max(0, number(demand, 0)),
        asked = math.min(number(asked, 0), now), -- the clock may have been set back
        served = math.min(number(served, 0), now),
    }
end

local function read_sharers(bucket)
    local stored = redis.call('HGETALL', bucket.key)
    bucket.own, bucket.others = read_sharer(given.tenant, ''), {}
    for i = 1, #stored, 2 do
        local tenant = string.match(stored[i], '^t:(.*)$')
        local sharer = tenant and read_sharer(tenant, stored[i + 1])
        if sharer and now - sharer.asked > LATELY_US then
            redis.call('HDEL', bucket.key, stored[i])
        elseif tenant == given.tenant then
            bucket.own = sharer
        elseif sharer then
            table.insert(bucket.others, sharer)
        end
    end
    bucket.sharers = #bucket.others + 1
    bucket.part = bucket.capacity / bucket.sharers
end

-- What is nobody's credit; credits that the level no longer covers shrink alike.
local function uncredited(bucket)
    local sum = bucket.own.credit
    for _, other in ipairs(bucket.others) do
        other.most = math.min(other.demand, bucket.part)
        other.credit = math.min(other.credit, other.most)
        sum = sum + other.credit
    end
    if sum <= bucket.level then return bucket.level - sum end
    bucket.own.credit = bucket.own.credit * bucket.level / sum
    for _, other in ipairs(bucket.others) do
        other.credit = other.credit * bucket.level / sum
    end
    return 0
end

-- Equal parts for all; what the others cannot hold is left to the tenant that asks now.
local function divided(bucket)
    local rest = uncredited(bucket)
    local function room(other) return other.most - other.credit end
    table.sort(bucket.others, function(a, b) return room(a) < room(b) end)
    for i, other in ipairs(bucket.others) do
        local part = math.min(room(other), rest / (bucket.sharers - i + 1))
        other.credit = other.credit + part
        rest = rest - part
    end
    return bucket.own.credit + rest
end

-- One token for the tenant that asks now, unless somebody else waits for longer.
local function in_turn(bucket)
    for _, other in ipairs(bucket.others) do
        if other.demand > 0 and other.served < bucket.own.served then return 0 end
    end
    return math.min(bucket.level, 1)
end

local function share(bucket)
    read_sharers(bucket)
    bucket.mine = bucket.part < 1 and in_turn(bucket) or divided(bucket)
end

local function keep_sharers(bucket)
    local own = bucket.own
    own.credit = math.min(bucket.mine, bucket.demand, bucket.part)
    own.demand, own.asked = bucket.demand, now
    table.insert(bucket.others, own)
    for _, each in ipairs(bucket.others) do
        local credit = string.format('%.17g', each.credit)
        local rest = string.format(' %.0f %.0f %.0f', each.demand, each.asked, each.served)
        redis.call('HSET', bucket.key, 't:' .. each.tenant, credit .. rest)
    end
end

-- Asks ---------------------------------------------------------------------------------------

local function lacks(bucket)
    return not (bucket.mine >= 1 - ALMOST)
end

-- Who waits for the same bucket waits behind those before it.
local function wait_s(bucket)
    local missing = 1 - bucket.mine + bucket.waiting
    local wait = missing * bucket.sharers / bucket.per_s
    if not (wait >= 0 and wait < WAIT_S_MAX) then return WAIT_S_MAX end -- also where nothing flows
    return wait
end

local function shortest(buckets, places, shared)
    local found, longest = 0, -1
    for _, place in ipairs(places) do
        local bucket = buckets[place]
        if bucket.shared == shared then
            if shared then bucket.demand = bucket.demand + 1 end
            if lacks(bucket) then
                local wait = wait_s(bucket)
                if wait > longest then found, longest = place, wait end
                bucket.waiting = bucket.waiting + 1
            end
        end
    end
    return found, longest
end

local function answer(buckets, places)
    local found, wait = shortest(buckets, places, false)
    if found == 0 then found, wait = shortest(buckets, places, true) end
    if found ~= 0 then return {found, math.ceil(wait * 1000)} end
    for _, place in ipairs(places) do
        local bucket = buckets[place]
        bucket.mine = math.max(0, bucket.mine - 1)
        bucket.level = math.max(0, bucket.level - 1)
        if bucket.shared then bucket.own.served = now end
    end
    return {0, 0}
end

local function keep(bucket)
    local full_s = (bucket.capacity - bucket.level) / bucket.per_s + KEPT_S_MIN
    if not (full_s >= KEPT_S_MIN and full_s < KEPT_S_MAX) then full_s = KEPT_S_MAX end
    local level, at = string.format('%.17g', bucket.level), string.format('%.0f', now)
    redis.call('HSET', bucket.key, 'level', level, 'at', at)
    redis.call('PEXPIRE', bucket.key, math.ceil(full_s * 1000))
    if bucket.shared then keep_sharers(bucket) end
end

local buckets, answers = {}, {}
for place, spec in ipairs(given.buckets) do
    buckets[place] = read(place, spec)
    if spec.shared then share(buckets[place]) end
end
for i, places in ipairs(given.asks) do answers[i] = answer(buckets, places) end
for _, bucket in ipairs(buckets) do keep(bucket) end
return answers
