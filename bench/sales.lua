-- For wrk: each connection is a buyer, who creates a request and confirms it, again and again; prints what came of it as
-- one line of JSON.
--
--     wrk ... -s bench/sales.lua URL -- FILE
--
-- The lines of FILE are bodies of creates, taken in turn, and behind them that of a confirm; TOKEN stands for the token.
-- wrk does not say which connection asks: what was registered is confirmed by whoever asks next.

local ffi = require("ffi")
ffi.cdef("typedef struct { long seconds, nanoseconds; } moment; int clock_gettime(int clock, moment *now);")
local MONOTONIC, clock = 1, ffi.new("moment")

local creates, confirm, run = {}, nil, tostring(os.time())
local begun, began = 0, {}
local registered, first, last = {}, 1, 0
local threads = {}
sold, wrong, told = {}, 0, nil

local function now()
  ffi.C.clock_gettime(MONOTONIC, clock)
  return tonumber(clock.seconds) + tonumber(clock.nanoseconds) / 1e9
end

local function about(token, body)
  return wrk.format("POST", nil, nil, (body:gsub("TOKEN", token)))
end

function setup(thread)
  threads[#threads + 1] = thread
end

function init(arguments)
  for body in io.lines(arguments[1]) do
    creates[#creates + 1] = body
  end
  confirm = table.remove(creates)
end

function request()
  if first <= last then
    local token = registered[first]
    registered[first] = nil
    first = first + 1
    return about(token, confirm)
  end
  begun = begun + 1
  local token = run .. "-" .. begun
  began[token] = now()
  return about(token, creates[begun % #creates + 1])
end

function response(_, _, body)
  local token, status = body:match('"token":"([^"]+)","status":"(%u+)"')
  if not began[token] or not body:find('"refusals":[]', 1, true) then
    wrong, told = wrong + 1, body
  elseif status == "CONFIRMED" then
    sold[#sold + 1] = now() - began[token]
    began[token] = nil
  else
    last = last + 1
    registered[last] = token
  end
end

function done(summary)
  local errors, seconds = summary.errors, {}
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  for _, thread in ipairs(threads) do
    failed = failed + thread:get("wrong")
    if thread:get("told") then
      io.stderr:write(thread:get("told"), "\n")
    end
    for _, one in ipairs(thread:get("sold")) do
      seconds[#seconds + 1] = one
    end
  end
  table.sort(seconds)
  local function quantile(part)
    return #seconds > 0 and seconds[math.ceil(#seconds * part)] * 1e6 or 0
  end
  io.write(string.format(
    '{"requests": %d, "microseconds": %d, "failed": %d, "p50": %d, "p99": %d}\n',
    #seconds, summary.duration, failed, quantile(0.5), quantile(0.99)
  ))
end
