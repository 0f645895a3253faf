# All permutations of six numbers by exchanges, n times; how many calls that takes.
import sys


class Permute:
    def __init__(self):
        self.count = 0
        self.numbers = [0] * 6

    def permute(self, n):
        self.count += 1
        if n == 0:
            return
        last = n - 1
        numbers = self.numbers
        self.permute(last)
        for i in range(last, -1, -1):
            numbers[last], numbers[i] = numbers[i], numbers[last]
            self.permute(last)
            numbers[last], numbers[i] = numbers[i], numbers[last]


def main(n):
    calls = 0
    for _ in range(n):
        state = Permute()
        state.permute(6)
        calls += state.count
    print(calls)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
