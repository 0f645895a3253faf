-- How often each word occurs in a random text of n kilobytes, line by line.
local seed = 42

local function draw(below)
  seed = (seed * 3877 + 29573) % 139968
  return seed % below
end

local function vocabulary()
  local letters, words = "etaoinshrdlcumwfgypbvkjxqz", {}
  for i = 0, 9999 do
    local word = {}
    for k = 1, 2 + draw(9) do
      local at = draw(26) + 1
      word[k] = letters:sub(at, at)
    end
    words[i] = table.concat(word)
  end
  return words
end

local function generate(size)
  local words, lines, length = vocabulary(), {}, 0
  local line = {}
  while length < size do
    for k = 1, 10 do
      local a = draw(100)
      local b = draw(101)
      line[k] = words[a * b]
    end
    local text = table.concat(line, " ") .. " \n"
    lines[#lines + 1] = text
    length = length + #text
  end
  return table.concat(lines)
end

local text = generate(tonumber(arg[1] or 500) * 1000)
local counts, different, total = {}, 0, 0
for line in text:gmatch("[^\n]+") do
  for word in line:gmatch("%S+") do
    local times = counts[word]
    if times then
      counts[word] = times + 1
    else
      counts[word] = 1
      different = different + 1
    end
    total = total + 1
  end
end
local best, most = "", 0
for word, times in pairs(counts) do
  if times > most or times == most and word < best then best, most = word, times end
end
print(total .. " " .. different .. " " .. best .. " " .. most)
