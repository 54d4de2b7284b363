#!/usr/bin/env bash
# Fuzzes every target for so many seconds each (default 60), and says what each came to. What breaks one is left in
# tests/fuzz/artifacts: mend it, and put the input into the corpus, where every run of the tests replays it.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-60}
targets='wecom_callback connector_answer configuration expression cam_response tc3 api_body ledger_row'

if ! cargo fuzz --version >/dev/null 2>&1; then
  echo 'cargo-fuzz is missing; installing it (cargo install cargo-fuzz)'
  if ! cargo install --locked cargo-fuzz; then
    echo 'cargo-fuzz cannot be had here: only the corpora are replayed (make test).' >&2
    exit 1
  fi
fi
# The switches that count coverage are for nightly compilers; a stable one takes them by this word.
export RUSTC_BOOTSTRAP=1 CARGO_INCREMENTAL=0
cargo fuzz build --fuzz-dir tests/fuzz --sanitizer none
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=''
for target in $targets; do
  # New inputs are collected apart: the corpus in the repository stays small, and grows by hand.
  mkdir -p "$work/$target"
  if cargo fuzz run --fuzz-dir tests/fuzz --sanitizer none "$target" "$work/$target" "tests/fuzz/corpus/$target" -- \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=8192 -print_final_stats=1 >"$work/log" 2>&1; then
    runs=$(awk '/stat::number_of_executed_units/ { print $2 }' "$work/log")
    echo "$target: $runs executions in $seconds s, $(find "$work/$target" -type f | wc -l) new inputs, nothing found"
  else
    tail -n 40 "$work/log"
    failed+=" $target"
  fi
done
if [ -n "$failed" ]; then
  echo "found something:$failed" >&2
  exit 1
fi
