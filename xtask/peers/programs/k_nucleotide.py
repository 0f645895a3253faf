# How often words of 1, 2, 3, 4, 6, 12 and 18 letters occur in a random sequence of n nucleotides.
import sys


def sequence(n):
    seed = 42
    out = []
    for _ in range(n):
        seed = (seed * 3877 + 29573) % 139968
        out.append("A" if seed < 42404 else "C" if seed < 70116 else "G" if seed < 97766 else "T")
    return "".join(out)


def count(text, size):
    counts = {}
    for i in range(len(text) - size + 1):
        word = text[i:i + size]
        counts[word] = counts.get(word, 0) + 1
    return counts


def main(n):
    text = sequence(n)
    line = []
    for size in (1, 2):
        ranking = sorted(count(text, size).items(), key=lambda e: (-e[1], e[0]))
        for word, times in ranking[:4]:
            line.append(f"{word}:{times}")
    for word in ("GGT", "GGTA", "GGTATT", "GGTATTTTAATT", "GGTATTTTAATTTATAGT"):
        counts = count(text, len(word))
        line.append(f"{word}:{counts.get(word, 0)}/{len(counts)}")
    print(" ".join(line))


main(int(sys.argv[1]) if len(sys.argv) > 1 else 20000)
