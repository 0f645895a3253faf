#!/usr/bin/env bash
# Tests scripts/compose.yaml with real containers: three nodes meet and serve notes, one is
# killed and comes back, one is cut off from its network and healed, one is stopped and says
# goodbye, and the service answers all the time. All of it is taken down at the end. Needs
# Docker, with its engine running, and curl.
#
#   scripts/test_containers.sh [PORT]      of the service on this machine (default 18080)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
project=iridium-test-containers
export PORT=${1:-18080}

fail() {
    echo "error: $*" >&2
    compose logs --tail 20 >&2 || true
    exit 1
}

if ! docker info >/dev/null 2>&1; then
    echo "skipped: needs docker"
    exit 0
fi
if docker compose version >/dev/null 2>&1; then
    compose() { docker compose -p "$project" -f "$root/scripts/compose.yaml" "$@"; }
elif command -v docker-compose >/dev/null; then
    compose() { docker-compose -p "$project" -f "$root/scripts/compose.yaml" "$@"; }
else
    echo "skipped: needs docker compose"
    exit 0
fi

container() { # node
    compose ps -q "$1"
}

iridium() { # node, arguments
    local node=$1
    shift
    docker exec "$(container "$node")" /usr/bin/iridium "$@"
}

# How many members are alive, as a node sees them, and itself with them.
alive() { # node
    iridium "$1" members 2>/dev/null | grep -cE ' (alive|this node) ' || true
}

# Waits until nodes see so many members; 30 s at most.
wait_for() { # members, nodes
    local members=$1 deadline=$((SECONDS + 30))
    shift
    for node in "$@"; do
        until [[ $(alive "$node") == "$members" ]]; do
            ((SECONDS < deadline)) || fail "$node sees $(alive "$node") living members, not $members"
            sleep 0.1
        done
    done
}

# Adds a note through the door. From now on wait_for_notes looks for it.
note() { # text
    local answer
    answer=$(curl -sS --max-time 5 -d "{\"text\": \"$1\"}" "127.0.0.1:$PORT/notes") || fail "no answer to $1"
    [[ $answer == *"\"text\":\"$1\""* ]] || fail "$1 was answered with: $answer"
    notes+=("$1")
}

# Waits until all notes are on whichever node answers, three times in turn; 10 s at most.
wait_for_notes() {
    local deadline=$((SECONDS + 10)) answer text
    for _ in 1 2 3; do
        for text in "${notes[@]}"; do
            until answer=$(curl -sS --max-time 5 "127.0.0.1:$PORT/notes") && [[ $answer == *"\"$text\""* ]]; do
                ((SECONDS < deadline)) || fail "the note $text is not in: $answer"
                sleep 0.1
            done
        done
    done
}

passed() { # what
    echo "ok: $1 ($(((${EPOCHREALTIME/./} - began) / 1000)) ms)"
}

notes=()
begin() {
    began=${EPOCHREALTIME/./}
}

network=${project}_default
down() { compose down --volumes --timeout 10 >/dev/null 2>&1 || true; }
trap down EXIT
down # what an interrupted run has left

(cd "$root" && cargo xtask image >/dev/null)

begin
compose up -d >/dev/null 2>&1 || fail "the containers do not start"
wait_for 3 one two three
passed "three nodes meet"
begin
until curl -sf --max-time 2 "127.0.0.1:$PORT/" >/dev/null; do
    ((${EPOCHREALTIME/./} - began < 20000000)) || fail "the service does not answer"
    sleep 0.1
done
sleep 1 # until the groups of all nodes know each other
note tea
wait_for_notes
passed "the service answers, and a note is on all nodes"

begin
docker kill "$(container two)" >/dev/null
wait_for 2 one three
note milk
passed "two is killed, and the others notice"

begin
compose start two >/dev/null 2>&1
wait_for 3 one two three
wait_for_notes
passed "two is back, and has all notes"

begin
docker network disconnect "$network" "$(container three)"
wait_for 2 one two
passed "three is cut off, and the others notice"
wait_for 1 three
note bread

begin
docker network connect --alias three "$network" "$(container three)"
wait_for 3 one two three
wait_for_notes
passed "three is back on its network, and has all notes"

begin
compose stop one >/dev/null 2>&1
wait_for 2 two three
iridium two members | grep -qE '^one .* left ' || fail "one was stopped, but has not said goodbye"
note salt
passed "one is stopped and says goodbye"

begin
compose start one >/dev/null 2>&1
wait_for 3 one two three
wait_for_notes
passed "one is back, and has all notes"
