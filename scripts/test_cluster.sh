#!/usr/bin/env bash
# Three REPL nodes in a tmux session: they join each other and list their
# members, and then they are yours to try.
#
#   scripts/test_cluster.sh [FIRST_PORT]      (default 2254)
#   scripts/stop_test_cluster.sh              to end it
set -euo pipefail

session=iridium-test-cluster
first_port=${1:-2254}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
data=$root/target/test_cluster

fail() {
    echo "error: $*" >&2
    exit 1
}

# Waits until the pane of a node shows a text; 20 s at most.
wait_for() { # node, text
    local deadline=$((SECONDS + 20))
    until pane "$1" | grep -qF -- "$2"; do
        if ((SECONDS > deadline)) || ! tmux has-session -t "=$session" 2>/dev/null; then
            pane "$1" >&2 || true
            tmux kill-session -t "=$session" 2>/dev/null || true
            fail "node$1 did not come to say \"$2\"; above is what it shows"
        fi
        sleep 0.05
    done
}

pane() { # node
    tmux capture-pane -p -t "${panes[$1]}"
}

type_in() { # node, line
    tmux send-keys -t "${panes[$1]}" -l -- "$2"
    tmux send-keys -t "${panes[$1]}" Enter
}

command -v tmux >/dev/null || fail "this needs tmux; install it (apt install tmux, brew install tmux)"
[[ $first_port =~ ^[0-9]+$ ]] && ((first_port >= 1 && first_port <= 65533)) ||
    fail "\"$first_port\" is not a port"
if tmux has-session -t "=$session" 2>/dev/null; then
    fail "it runs already; look at it with: tmux attach -t $session; end it with: scripts/stop_test_cluster.sh"
fi
for ((port = first_port; port < first_port + 3; port++)); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
        fail "port $port is in use; choose others: scripts/test_cluster.sh FIRST_PORT"
    fi
done

cargo build --quiet --manifest-path "$root/Cargo.toml" --package iridium-cli
iridium=${CARGO_TARGET_DIR:-$root/target}/debug/iridium
# Nothing of an earlier test is remembered.
rm -rf "$data"

panes=()
start() { # node, then how tmux makes its pane
    local node=$1
    shift
    panes[$node]=$(tmux "$@" -P -F '#{pane_id}' "$(printf '%q ' "$iridium" \
        --node-alias "node$node" -P $((first_port + node - 1)) --data-root-dir "$data")")
}
start 1 new-session -d -s "$session" -x 120 -y 45
start 2 split-window -t "=$session:" -v
start 3 split-window -t "=$session:" -v
tmux select-layout -t "=$session:" even-vertical

for node in 1 2 3; do wait_for $node '>>>'; done
type_in 1 '!start_cluster'
wait_for 1 'listens on'
for node in 2 3; do
    type_in $node "!join_cluster 127.0.0.1 $first_port"
    wait_for $node 'joined the cluster'
done
for node in 1 2 3; do
    type_in $node '!cluster_members'
    wait_for $node 'this node'
done

tmux select-pane -t "${panes[1]}"
if [[ -n ${TMUX:-} ]]; then
    tmux switch-client -t "=$session"
elif [[ -t 0 && -t 1 ]]; then
    exec tmux attach -t "=$session"
else
    for node in 1 2 3; do pane $node; done | grep -v '^$'
    echo "look at it with: tmux attach -t $session"
    echo "end it with:     scripts/stop_test_cluster.sh"
fi
