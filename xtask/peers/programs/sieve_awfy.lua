-- How many primes there are below 5000, with a list of booleans, n times.
local function primes(size)
  local flags, count = {}, 0
  for i = 1, size do flags[i] = true end
  for i = 2, size do
    if flags[i - 1] then
      count = count + 1
      for k = i + i, size, i do flags[k - 1] = false end
    end
  end
  return count
end

local total = 0
for _ = 1, tonumber(arg[1] or 20) do total = total + primes(5000) end
print(total)
