-- A tree of lists, seven deep and four wide, n times; how many lists there are.
local and16 = _VERSION == "Lua 5.4" and load("return function(x) return x & 65535 end")()
  or function(x) return x % 65536 end

local function draw(storage)
  storage.seed = and16(storage.seed * 1309 + 13849)
  return storage.seed
end

local function tree(storage, depth)
  storage.count = storage.count + 1
  if depth == 1 then
    local slots = {}
    for i = 1, draw(storage) % 10 + 1 do slots[i] = false end
    return slots
  end
  local slots = {}
  for i = 1, 4 do slots[i] = tree(storage, depth - 1) end
  return slots
end

local lists = 0
for _ = 1, tonumber(arg[1] or 10) do
  local storage = { count = 0, seed = 74755 }
  if #tree(storage, 7) == 4 then lists = lists + storage.count end
end
print(lists)
