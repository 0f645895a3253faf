-- The Mandelbrot set as a picture of n by n bits; all its bytes in one by exclusive or.
local xor = _VERSION == "Lua 5.4" and load("return function(a, b) return a ~ b end")()
  or require("bit").bxor

local function escapes(cr, ci)
  local zi, zr_squared, zi_squared = 0.0, 0.0, 0.0
  for _ = 1, 50 do
    local zr = zr_squared - zi_squared + cr
    zi = 2.0 * zr * zi + ci
    zr_squared, zi_squared = zr * zr, zi * zi
    if zr_squared + zi_squared > 4.0 then return true end
  end
  return false
end

local n, sum = tonumber(arg[1] or 150), 0
for y = 0, n - 1 do
  local ci, byte, bits = 2.0 * y / n - 1.0, 0, 0
  for x = 0, n - 1 do
    byte = byte * 2 + (escapes(2.0 * x / n - 1.5, ci) and 1 or 0)
    bits = bits + 1
    if bits == 8 then
      sum = xor(sum, byte)
      byte, bits = 0, 0
    end
  end
  while bits > 0 and bits < 8 do byte, bits = byte * 2, bits + 1 end
  sum = xor(sum, byte)
end
print(sum)
