# A text of 2000 users is read from JSON, n times; the sum of some of what was read.
import json
import sys


def text():
    users = []
    for i in range(2000):
        users.append(
            f'{{"id":{i},"name":"User \\"{i}\\"","email":"user{i}@example.com",'
            f'"active":{str(i % 3 == 0).lower()},"score":{i % 1000}.25,'
            f'"tags":["alpha","tag\\n{i % 7}","gr\\u00f6\\u00dfer"],'
            f'"address":{{"street":"{i % 90} Main Street","zip":{10000 + i}}}}}'
        )
    return "[" + ",".join(users) + "]"


def main(n):
    source = text()
    total = 0
    for _ in range(n):
        for user in json.loads(source):
            total += user["id"] + len(user["name"]) + len(user["tags"][2].encode())
            total += user["address"]["zip"]
            if user["active"]:
                total += int(user["score"] * 4)
    print(total)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
