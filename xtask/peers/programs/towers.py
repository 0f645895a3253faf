# The towers of Hanoi with thirteen disks, n times; how many moves that takes.
import sys


class Disk:
    def __init__(self, size, below):
        self.size = size
        self.below = below


class Towers:
    def __init__(self):
        self.piles = [None, None, None]
        self.moves = 0

    def put(self, size, pile):
        top = self.piles[pile]
        if top is not None and size >= top.size:
            raise ValueError("a disk would lie on a smaller one")
        self.piles[pile] = Disk(size, top)

    def take(self, pile):
        top = self.piles[pile]
        if top is None:
            raise ValueError("there is no disk")
        self.piles[pile] = top.below
        return top.size

    def move_disks(self, disks, start, end):
        if disks == 1:
            self.put(self.take(start), end)
            self.moves += 1
            return
        other = 3 - start - end
        self.move_disks(disks - 1, start, other)
        self.move_disks(1, start, end)
        self.move_disks(disks - 1, other, end)


def main(n):
    moves = 0
    for _ in range(n):
        towers = Towers()
        for size in range(12, -1, -1):
            towers.put(size, 0)
        towers.move_disks(13, 0, 1)
        moves += towers.moves
    print(moves)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
