#!/usr/bin/env bash
# Shows that the simulation has teeth: puts each bug of bugs/ into a copy of the sources, one after the other, and runs
# seeds from 1,000,001 on (or from where the patch says) until one breaks the contract. Prints, for each, the invariant
# that broke and how many seeds it took.
#   tests/simulation/teeth.sh [BUG...]      MOST=2000 seeds at most; the copies of third-party crates are target/'s
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
export CARGO_INCREMENTAL=0 CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$root/target}"
build=${BUILD:-cargo build}
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
(cd "$root" && git ls-files -z --cached --others --exclude-standard | tar --create --null --ignore-failed-read --files-from - | tar --extract --directory "$copy")

[ $# -gt 0 ] || set -- "$here"/bugs/*.patch
for bug in "$@"; do
  name=$(basename "$bug" .patch)
  patch --silent --directory "$copy" --strip 1 < "$here/bugs/$name.patch"
  (cd "$copy" && $build --locked --workspace --bin camsync-simulation --test seeds --quiet)
  from=$(sed -n 's/^From seed \([0-9]*\) on.*/\1/p' "$here/bugs/$name.patch")
  found=$("$CARGO_TARGET_DIR/debug/camsync-simulation" --from "${from:-1000001}" --seeds "${MOST:-2000}" --threads 1 --unshrunk || true)
  seeds=$(sed -n 's/^\([0-9]*\) seeds in .*/\1/p' <<< "$found" | tail -1)
  broke=$(sed -n 's/^seed [0-9]* breaks invariant \([^:]*\): \(.*\)/\1 | \2/p' <<< "$found" | head -1)
  printf '%s | %s | %s\n' "$name" "${seeds:-?}" "${broke:-not caught}"
  patch --silent --reverse --directory "$copy" --strip 1 < "$here/bugs/$name.patch"
done
