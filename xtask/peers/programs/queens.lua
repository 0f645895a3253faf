-- Eight queens that do not attack each other, found by trial and retreat, n times.
local function filled(n, x)
  local list = {}
  for i = 0, n - 1 do list[i] = x end
  return list
end

local function is_free(board, row, column)
  return board.rows[row] and board.falling[column + row] and board.rising[column - row + 7]
end

local function mark(board, row, column, free)
  board.rows[row] = free
  board.falling[column + row] = free
  board.rising[column - row + 7] = free
end

local function place(board, column)
  for row = 0, 7 do
    if is_free(board, row, column) then
      board.queens[row] = column
      mark(board, row, column, false)
      if column == 7 or place(board, column + 1) then return true end
      mark(board, row, column, true)
    end
  end
  return false
end

local solved, queens = 0, nil
for _ = 1, tonumber(arg[1] or 20) do
  local board = {
    rows = filled(8, true), falling = filled(16, true), rising = filled(16, true),
    queens = filled(8, -1),
  }
  if place(board, 0) then solved = solved + 1 end
  queens = board.queens
end
print(solved .. " " .. table.concat(queens, ",", 0, 7))
