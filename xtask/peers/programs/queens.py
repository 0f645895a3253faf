# Eight queens that do not attack each other, found by trial and retreat, n times.
import sys


class Board:
    def __init__(self):
        self.rows = [True] * 8
        self.falling = [True] * 16
        self.rising = [True] * 16
        self.queens = [-1] * 8

    def is_free(self, row, column):
        return self.rows[row] and self.falling[column + row] and self.rising[column - row + 7]

    def mark(self, row, column, free):
        self.rows[row] = free
        self.falling[column + row] = free
        self.rising[column - row + 7] = free

    def place(self, column):
        for row in range(8):
            if self.is_free(row, column):
                self.queens[row] = column
                self.mark(row, column, False)
                if column == 7 or self.place(column + 1):
                    return True
                self.mark(row, column, True)
        return False


def main(n):
    solved = 0
    queens = []
    for _ in range(n):
        board = Board()
        if board.place(0):
            solved += 1
        queens = board.queens
    print(solved, ",".join(map(str, queens)))


main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
