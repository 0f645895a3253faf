#!/usr/bin/env bash
# Tests scripts/compose.yaml with real containers: three nodes meet, one is killed and comes
# back, one is cut off from its network and healed, one is stopped and says goodbye. All of it
# is taken down at the end. Needs Docker, with its engine running.
#
#   scripts/test_containers.sh
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
project=iridium-test-containers

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

passed() { # what
    echo "ok: $1 ($(((${EPOCHREALTIME/./} - began) / 1000)) ms)"
}

begin() {
    began=${EPOCHREALTIME/./}
}

network=${project}_default
down() { compose down --volumes --timeout 10 >/dev/null 2>&1 || true; }
trap down EXIT
down # what an interrupted run has left

cargo xtask image >/dev/null

begin
compose up -d >/dev/null 2>&1 || fail "the containers do not start"
wait_for 3 one two three
passed "three nodes meet"

begin
docker kill "$(container two)" >/dev/null
wait_for 2 one three
passed "two is killed, and the others notice"

begin
compose start two >/dev/null 2>&1
wait_for 3 one two three
passed "two is back"

begin
docker network disconnect "$network" "$(container three)"
wait_for 2 one two
passed "three is cut off, and the others notice"
wait_for 1 three

begin
docker network connect --alias three "$network" "$(container three)"
wait_for 3 one two three
passed "three is back on its network"

begin
compose stop one >/dev/null 2>&1
wait_for 2 two three
iridium two members | grep -qE '^one .* left ' || fail "one was stopped, but has not said goodbye"
passed "one is stopped and says goodbye"

begin
compose start one >/dev/null 2>&1
wait_for 3 one two three
passed "one is back"
