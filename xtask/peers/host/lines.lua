-- How many lines a file has.
local count = 0
for _ in io.lines(arg[1]) do count = count + 1 end
print(count)
