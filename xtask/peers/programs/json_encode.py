# A document of 2000 users is written as JSON, n times; how long the texts are.
import json
import sys


def users():
    return [
        {
            "id": i,
            "name": f'User "{i}"',
            "email": f"user{i}@example.com",
            "active": i % 3 == 0,
            "score": i % 1000 + 0.25,
            "tags": ["alpha", f"tag\n{i % 7}", "größer"],
            "address": {"street": f"{i % 90} Main Street", "zip": 10000 + i},
        }
        for i in range(2000)
    ]


def main(n):
    document = users()
    total = 0
    for _ in range(n):
        text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
        total += len(text.encode())
    print(total)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
