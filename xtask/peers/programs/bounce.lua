-- A hundred balls in a box for fifty steps, n times; how often they bounce.
local and16 = _VERSION == "Lua 5.4" and load("return function(x) return x & 65535 end")()
  or function(x) return x % 65536 end

local function draw(random)
  random.seed = and16(random.seed * 1309 + 13849)
  return random.seed
end

local function ball(random)
  local x, y = draw(random) % 500, draw(random) % 500
  local x_speed, y_speed = draw(random) % 300 - 150, draw(random) % 300 - 150
  return { x = x, y = y, x_speed = x_speed, y_speed = y_speed }
end

local abs = math.abs

local function bounce(ball)
  local bounced = false
  ball.x = ball.x + ball.x_speed
  ball.y = ball.y + ball.y_speed
  if ball.x > 500 then
    ball.x, ball.x_speed = 500, -abs(ball.x_speed)
    bounced = true
  end
  if ball.x < 0 then
    ball.x, ball.x_speed = 0, abs(ball.x_speed)
    bounced = true
  end
  if ball.y > 500 then
    ball.y, ball.y_speed = 500, -abs(ball.y_speed)
    bounced = true
  end
  if ball.y < 0 then
    ball.y, ball.y_speed = 0, abs(ball.y_speed)
    bounced = true
  end
  return bounced
end

local bounces = 0
for _ = 1, tonumber(arg[1] or 20) do
  local random, balls = { seed = 74755 }, {}
  for i = 1, 100 do balls[i] = ball(random) end
  for _ = 1, 50 do
    for i = 1, #balls do
      if bounce(balls[i]) then bounces = bounces + 1 end
    end
  end
end
print(bounces)
