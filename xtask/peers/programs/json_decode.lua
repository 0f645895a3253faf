-- A text of 2000 users is read from JSON, n times; the sum of some of what was read.
package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local json = require(arg[2] or "json")

local parts = {}
for i = 0, 1999 do
  parts[i + 1] = '{"id":' .. i .. ',"name":"User \\"' .. i .. '\\"","email":"user' .. i
    .. '@example.com","active":' .. tostring(i % 3 == 0) .. ',"score":' .. i % 1000
    .. '.25,"tags":["alpha","tag\\n' .. i % 7 .. '","gr\\u00f6\\u00dfer"],"address":{"street":"'
    .. i % 90 .. ' Main Street","zip":' .. 10000 + i .. "}}"
end
local source = "[" .. table.concat(parts, ",") .. "]"
local total = 0
for _ = 1, tonumber(arg[1] or 1) do
  for _, user in ipairs(json.decode(source)) do
    total = total + user.id + #user.name + #user.tags[3] + user.address.zip
    if user.active then total = total + user.score * 4 end
  end
end
print(string.format("%d", total))
