-- All permutations of six numbers by exchanges, n times; how many calls that takes.
local function permute(state, n)
  state.count = state.count + 1
  if n == 0 then return end
  local last, numbers = n - 1, state.numbers
  permute(state, last)
  for i = last, 0, -1 do
    numbers[last], numbers[i] = numbers[i], numbers[last]
    permute(state, last)
    numbers[last], numbers[i] = numbers[i], numbers[last]
  end
end

local calls = 0
for _ = 1, tonumber(arg[1] or 20) do
  local state = { count = 0, numbers = { [0] = 0, 0, 0, 0, 0, 0 } }
  permute(state, 6)
  calls = calls + state.count
end
print(calls)
