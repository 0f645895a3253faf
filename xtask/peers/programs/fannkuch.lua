-- Over all orders of n cards: how often the first cards are turned over until a 1 is on top, at
-- most, and a checksum.
local n = tonumber(arg[1] or 7)

local function flips(cards)
  local deck = {}
  for i = 0, n - 1 do deck[i] = cards[i] end
  local count, first = 0, deck[0]
  while first ~= 0 do
    local low, high = 1, first - 1
    while low < high do
      deck[low], deck[high] = deck[high], deck[low]
      low, high = low + 1, high - 1
    end
    deck[first], first = first, deck[first]
    count = count + 1
  end
  return count
end

-- The first cards up to `last` move down by one, the first goes to their end.
local function rotate(cards, last)
  local first = cards[0]
  for i = 0, last - 1 do cards[i] = cards[i + 1] end
  cards[last] = first
end

local cards, turns = {}, {}
for i = 0, n - 1 do cards[i], turns[i] = i, 0 end
local most, checksum, sign = 0, 0, 1
while true do
  local count = flips(cards)
  if count > most then most = count end
  checksum = checksum + sign * count
  sign = -sign
  -- The next order: each place goes through all its turns.
  local place = 1
  while place < n do
    rotate(cards, place)
    turns[place] = turns[place] + 1
    if turns[place] <= place then break end
    turns[place] = 0
    place = place + 1
  end
  if place >= n then break end
end
print(checksum .. " " .. most)
