# Over all orders of n cards: how often the first cards are turned over until a 1 is on top, at
# most, and a checksum.
import sys


def flips(cards):
    deck = cards[:]
    count = 0
    first = deck[0]
    while first != 0:
        low = 1
        high = first - 1
        while low < high:
            deck[low], deck[high] = deck[high], deck[low]
            low += 1
            high -= 1
        deck[first], first = first, deck[first]
        count += 1
    return count


def rotate(cards, last):
    """The first cards up to `last` move down by one, the first goes to their end."""
    first = cards[0]
    for i in range(last):
        cards[i] = cards[i + 1]
    cards[last] = first


def main(n):
    cards = list(range(n))
    turns = [0] * n
    most = checksum = 0
    sign = 1
    while True:
        count = flips(cards)
        most = max(most, count)
        checksum += sign * count
        sign = -sign
        # The next order: each place goes through all its turns.
        place = 1
        while place < n:
            rotate(cards, place)
            turns[place] += 1
            if turns[place] <= place:
                break
            turns[place] = 0
            place += 1
        if place >= n:
            break
    print(checksum, most)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
