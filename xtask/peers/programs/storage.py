# A tree of lists, seven deep and four wide, n times; how many lists there are.
import sys


class Storage:
    def __init__(self):
        self.count = 0
        self.seed = 74755

    def draw(self):
        self.seed = (self.seed * 1309 + 13849) & 65535
        return self.seed

    def tree(self, depth):
        self.count += 1
        if depth == 1:
            return [None] * (self.draw() % 10 + 1)
        return [self.tree(depth - 1) for _ in range(4)]


def main(n):
    lists = 0
    for _ in range(n):
        storage = Storage()
        if len(storage.tree(7)) == 4:
            lists += storage.count
    print(lists)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
