-- JSON in plain Lua: `encode` and `decode`. Null is `json.null`.
local json = { null = {} }
local byte, find, sub, format = string.byte, string.find, string.sub, string.format
local char, concat = string.char, table.concat

local escapes = {
  ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r",
  ["\t"] = "\\t",
}
local function escape(c)
  return escapes[c] or format("\\u%04x", byte(c))
end

local function write(value, out, n)
  local kind = type(value)
  if kind == "string" then
    if find(value, '[%c"\\]') then value = value:gsub('[%c"\\]', escape) end
    out[n] = '"' .. value .. '"'
    return n + 1
  elseif kind == "number" then
    out[n] = format("%.14g", value)
    return n + 1
  elseif kind == "boolean" then
    out[n] = value and "true" or "false"
    return n + 1
  elseif value == json.null or value == nil then
    out[n] = "null"
    return n + 1
  elseif #value > 0 or next(value) == nil then
    local before = "["
    if #value == 0 then out[n] = "[" n = n + 1 end
    for i = 1, #value do
      out[n] = before
      n = write(value[i], out, n + 1)
      before = ","
    end
    out[n] = "]"
    return n + 1
  end
  local before = "{"
  for key, field in pairs(value) do
    out[n] = before
    n = write(key, out, n + 1)
    out[n] = ":"
    n = write(field, out, n + 1)
    before = ","
  end
  out[n] = "}"
  return n + 1
end

function json.encode(value)
  local out = {}
  write(value, out, 1)
  return concat(out)
end

local function fail(text, at, what)
  error(what .. " at byte " .. at, 0)
end

local function utf8_of(code)
  if code < 0x80 then return char(code) end
  if code < 0x800 then return char(0xc0 + (code - code % 64) / 64, 0x80 + code % 64) end
  local low = 0x80 + code % 64
  code = (code - code % 64) / 64
  if code < 0x400 then return char(0xe0 + (code - code % 64) / 64, 0x80 + code % 64, low) end
  local middle = 0x80 + code % 64
  code = (code - code % 64) / 64
  return char(0xf0 + (code - code % 64) / 64, 0x80 + code % 64, middle, low)
end

local letters = {
  ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t",
}

-- The string that begins behind the quote before `at`, and where the text goes on.
local function read_string(text, at)
  local stop = find(text, '["\\%c]', at)
  if stop and byte(text, stop) == 34 then return sub(text, at, stop - 1), stop + 1 end
  local parts, n = {}, 0
  while true do
    if not stop then fail(text, at, "a string does not end") end
    n = n + 1
    parts[n] = sub(text, at, stop - 1)
    local c = byte(text, stop)
    if c == 34 then return concat(parts), stop + 1 end
    if c ~= 92 then fail(text, stop, "a control character in a string") end
    local letter = sub(text, stop + 1, stop + 1)
    at = stop + 2
    n = n + 1
    if letter == "u" then
      local code = tonumber(text:match("^%x%x%x%x", at) or fail(text, at, "four digits missing"), 16)
      at = at + 4
      if code >= 0xd800 and code < 0xdc00 then
        local low = text:match("^\\u([dD][c-fC-F]%x%x)", at) or fail(text, at, "half a character")
        code = 0x10000 + (code - 0xd800) * 0x400 + tonumber(low, 16) - 0xdc00
        at = at + 6
      end
      parts[n] = utf8_of(code)
    else
      parts[n] = letters[letter] or fail(text, stop, "an escape that is none")
    end
    stop = find(text, '["\\%c]', at)
  end
end

local read

local function read_list(text, at)
  local list, n = {}, 0
  at = find(text, "%S", at)
  if at and byte(text, at) == 93 then return list, at + 1 end
  while true do
    n = n + 1
    list[n], at = read(text, at)
    at = find(text, "%S", at) or fail(text, #text, "a list does not end")
    local c = byte(text, at)
    if c == 93 then return list, at + 1 end
    if c ~= 44 then fail(text, at, "a comma is missing") end
    at = at + 1
  end
end

local function read_object(text, at)
  local object = {}
  at = find(text, "%S", at)
  if at and byte(text, at) == 125 then return object, at + 1 end
  while true do
    at = find(text, "%S", at)
    if not at or byte(text, at) ~= 34 then fail(text, at or #text, "a name is missing") end
    local key
    key, at = read_string(text, at + 1)
    at = find(text, "%S", at)
    if not at or byte(text, at) ~= 58 then fail(text, at or #text, "a colon is missing") end
    object[key], at = read(text, at + 1)
    at = find(text, "%S", at) or fail(text, #text, "an object does not end")
    local c = byte(text, at)
    if c == 125 then return object, at + 1 end
    if c ~= 44 then fail(text, at, "a comma is missing") end
    at = at + 1
  end
end

function read(text, at)
  at = find(text, "%S", at) or fail(text, #text, "a value is missing")
  local c = byte(text, at)
  if c == 34 then return read_string(text, at + 1) end
  if c == 123 then return read_object(text, at + 1) end
  if c == 91 then return read_list(text, at + 1) end
  if c == 116 and sub(text, at, at + 3) == "true" then return true, at + 4 end
  if c == 102 and sub(text, at, at + 4) == "false" then return false, at + 5 end
  if c == 110 and sub(text, at, at + 3) == "null" then return json.null, at + 4 end
  local _, stop = find(text, "^-?%d+%.?%d*[eE]?[+-]?%d*", at)
  local number = stop and tonumber(sub(text, at, stop))
  if not number then fail(text, at, "no value") end
  return number, stop + 1
end

function json.decode(text)
  local value, at = read(text, 1)
  if find(text, "%S", at) then fail(text, at, "more than one value") end
  return value
end

return json
