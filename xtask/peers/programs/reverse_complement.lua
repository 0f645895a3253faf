-- A random sequence of n nucleotides is turned round and complemented, nine times over.
local letters, others = "ACGTMRWSYKVHDBN", "TGCAKYWSRMBDHVN"

local function sequence(n)
  local seed, out = 42, {}
  for i = 1, n do
    seed = (seed * 3877 + 29573) % 139968
    local at = seed % 15 + 1
    out[i] = letters:sub(at, at)
  end
  return table.concat(out)
end

local complement = {}
for i = 1, #letters do complement[letters:sub(i, i)] = others:sub(i, i) end

local n = tonumber(arg[1] or 20000)
local text = sequence(n)
for _ = 1, 9 do text = text:reverse():gsub(".", complement) end
local sum = 0
for i = 0, n - 1, 97 do sum = (sum * 31 + text:byte(i + 1)) % 1000003 end
print(#text .. " " .. sum)
