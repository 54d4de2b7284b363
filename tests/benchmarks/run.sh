#!/bin/sh
# Measures what docs/benchmarks.md tells: the pure steps with criterion, then whole passes of the release binary.
# Arguments choose the passes: memory once first grants wasm callbacks idle quiet status ready. RUNS, MEMBERS, DEPARTMENTS change their size.
set -eu
cd "$(dirname "$0")/../.."
command -v python3 >/dev/null || { echo "the benchmarks need python3 (standard library only): install it" >&2; exit 1; }
[ -r /proc/self/stat ] || { echo "the benchmarks read processor time from /proc: they run on Linux" >&2; exit 1; }
cargo build --release -p camsync -p camsync-benchmarks
[ $# -gt 0 ] || cargo bench -p camsync-core --bench steps
exec python3 tests/benchmarks/passes.py "$@"
