-- The towers of Hanoi with thirteen disks, n times; how many moves that takes.
local function put(towers, size, pile)
  local top = towers.piles[pile]
  if top and size >= top.size then error("a disk would lie on a smaller one") end
  towers.piles[pile] = { size = size, below = top }
end

local function take(towers, pile)
  local top = towers.piles[pile]
  if not top then error("there is no disk") end
  towers.piles[pile] = top.below
  return top.size
end

local function move_disks(towers, disks, from, to)
  if disks == 1 then
    put(towers, take(towers, from), to)
    towers.moves = towers.moves + 1
    return
  end
  local other = 3 - from - to
  move_disks(towers, disks - 1, from, other)
  move_disks(towers, 1, from, to)
  move_disks(towers, disks - 1, other, to)
end

local moves = 0
for _ = 1, tonumber(arg[1] or 5) do
  local towers = { piles = {}, moves = 0 }
  for size = 12, 0, -1 do put(towers, size, 0) end
  move_disks(towers, 13, 0, 1)
  moves = moves + towers.moves
end
print(moves)
