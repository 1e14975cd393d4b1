-- For wrk: posts the bodies of a file, one a line, in turn; prints what came of it as one line of JSON.
--
--     wrk ... -s bench/reads.lua URL -- FILE [LEAST]
--
-- With LEAST every answer is looked at: one that is shorter, or tells of errors, is wrong. That takes time of its own.

local asked, place, threads = {}, 0, {}
wrong = 0

function setup(thread)
  threads[#threads + 1] = thread
end

function init(arguments)
  for body in io.lines(arguments[1]) do
    asked[#asked + 1] = wrk.format("POST", nil, nil, body)
  end
  local least = tonumber(arguments[2])
  if least then
    response = function(_, _, body)
      if #body < least or body:find('"errors"', 1, true) then
        wrong = wrong + 1
      end
    end
  end
end

function request()
  place = place % #asked + 1
  return asked[place]
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  for _, thread in ipairs(threads) do
    failed = failed + thread:get("wrong")
  end
  io.write(string.format(
    '{"requests": %d, "microseconds": %d, "bytes": %d, "failed": %d, "p50": %d, "p99": %d}\n',
    summary.requests, summary.duration, summary.bytes, failed, latency:percentile(50), latency:percentile(99)
  ))
end
