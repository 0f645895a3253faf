-- Takeuchi's function over linked lists, n times; the length of what it gives.
local function make(length)
  if length == 0 then return nil end
  return { value = length, rest = make(length - 1) }
end

local function length(list)
  if not list then return 0 end
  return 1 + length(list.rest)
end

local function is_shorter(a, b)
  while b do
    if not a then return true end
    a, b = a.rest, b.rest
  end
  return false
end

local function tail(x, y, z)
  if is_shorter(y, x) then
    return tail(tail(x.rest, y, z), tail(y.rest, z, x), tail(z.rest, x, y))
  end
  return z
end

local total = 0
for _ = 1, tonumber(arg[1] or 20) do
  total = total + length(tail(make(15), make(10), make(6)))
end
print(total)
