-- A document of 2000 users is written as JSON, n times; how long the texts are.
package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local json = require(arg[2] or "json")

local users = {}
for i = 0, 1999 do
  users[i + 1] = {
    id = i,
    name = 'User "' .. i .. '"',
    email = "user" .. i .. "@example.com",
    active = i % 3 == 0,
    score = i % 1000 + 0.25,
    tags = { "alpha", "tag\n" .. i % 7, "größer" },
    address = { street = i % 90 .. " Main Street", zip = 10000 + i },
  }
end
local total = 0
for _ = 1, tonumber(arg[1] or 1) do total = total + #json.encode(users) end
print(total)
