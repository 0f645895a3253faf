#!/usr/bin/env bash
# Ends what scripts/test_cluster.sh started: each node says goodbye.
set -euo pipefail

session=iridium-test-cluster

if ! tmux has-session -t "=$session" 2>/dev/null; then
    echo "no test cluster is running" >&2
    exit 1
fi

for pane in $(tmux list-panes -s -t "=$session" -F '#{pane_id}'); do
    # Whatever is being typed there is given up first.
    tmux send-keys -t "$pane" C-c 2>/dev/null || true
    tmux send-keys -t "$pane" '!quit' Enter 2>/dev/null || true
done

# The session ends with its last pane; a node takes 3 s at most.
deadline=$((SECONDS + 5))
while tmux has-session -t "=$session" 2>/dev/null; do
    if ((SECONDS > deadline)); then
        tmux kill-session -t "=$session"
        echo "some nodes did not answer and were ended with their session" >&2
        break
    fi
    sleep 0.05
done
echo "the test cluster has ended"
