-- How often words of 1, 2, 3, 4, 6, 12 and 18 letters occur in a random sequence of n nucleotides.
local function sequence(n)
  local seed, out = 42, {}
  for i = 1, n do
    seed = (seed * 3877 + 29573) % 139968
    out[i] = seed < 42404 and "A" or seed < 70116 and "C" or seed < 97766 and "G" or "T"
  end
  return table.concat(out)
end

local function count(text, size)
  local counts, different, sub = {}, 0, string.sub
  for i = 1, #text - size + 1 do
    local word = sub(text, i, i + size - 1)
    local times = counts[word]
    if times then
      counts[word] = times + 1
    else
      counts[word] = 1
      different = different + 1
    end
  end
  return counts, different
end

local text, line = sequence(tonumber(arg[1] or 20000)), {}
for size = 1, 2 do
  local counts, words = count(text, size), {}
  for word in pairs(counts) do words[#words + 1] = word end
  table.sort(words, function(a, b)
    if counts[a] ~= counts[b] then return counts[a] > counts[b] end
    return a < b
  end)
  for i = 1, math.min(4, #words) do line[#line + 1] = words[i] .. ":" .. counts[words[i]] end
end
for _, word in ipairs({ "GGT", "GGTA", "GGTATT", "GGTATTTTAATT", "GGTATTTTAATTTATAGT" }) do
  local counts, different = count(text, #word)
  line[#line + 1] = word .. ":" .. (counts[word] or 0) .. "/" .. different
end
print(table.concat(line, " "))
