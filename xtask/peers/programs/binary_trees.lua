-- Many binary trees of up to n levels are built, walked and dropped while one lives on; how many
-- nodes were walked.
local function build(depth)
  if depth == 0 then return {} end
  return { build(depth - 1), build(depth - 1) }
end

local function nodes(tree)
  local left = tree[1]
  if not left then return 1 end
  return 1 + nodes(left) + nodes(tree[2])
end

local n = tonumber(arg[1] or 10)
local total = nodes(build(n + 1))
local long_lived = build(n)
for depth = 4, n, 2 do
  for _ = 1, 2 ^ (n - depth + 4) do total = total + nodes(build(depth)) end
end
print(total + nodes(long_lived))
