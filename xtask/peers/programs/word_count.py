# How often each word occurs in a random text of n kilobytes, line by line.
import sys


class Random:
    def __init__(self):
        self.seed = 42

    def draw(self, below):
        self.seed = (self.seed * 3877 + 29573) % 139968
        return self.seed % below


def vocabulary(random):
    letters = "etaoinshrdlcumwfgypbvkjxqz"
    words = []
    for _ in range(10000):
        length = 2 + random.draw(9)
        words.append("".join(letters[random.draw(26)] for _ in range(length)))
    return words


def generate(size):
    random = Random()
    words = vocabulary(random)
    lines = []
    length = 0
    while length < size:
        line = []
        for _ in range(10):
            a = random.draw(100)
            b = random.draw(101)
            line.append(words[a * b])
        text = " ".join(line) + " \n"
        lines.append(text)
        length += len(text)
    return "".join(lines)


def main(n):
    text = generate(n * 1000)
    counts = {}
    total = 0
    for line in text.splitlines():
        for word in line.split():
            counts[word] = counts.get(word, 0) + 1
            total += 1
    best = ""
    most = 0
    for word, times in counts.items():
        if times > most or times == most and word < best:
            best = word
            most = times
    print(total, len(counts), best, most)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
