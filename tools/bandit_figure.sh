#!/bin/sh
# Trains the policies of studies/bimodal-bandit.toml and draws the book's figure of them into
# book/src/images/bandit.svg, deterministically, in about three minutes on two cores.
#
#   tools/bandit_figure.sh             SVG only
#   tools/bandit_figure.sh FOLDER      keep the runs and a PNG in FOLDER as well
#
# Prints what every policy has become. The program is built, unless RLAI names one.
set -eu
cd "$(dirname "$0")/.."
if [ -z "${RLAI:-}" ]; then
    cargo build --release --quiet -p rlai-cli
    RLAI=target/release/rlai
fi
kept=${1:-$(mktemp -d)}
"$RLAI" study run studies/bimodal-bandit.toml --out "$kept/study" >/dev/null
"$RLAI" policy "$kept"/study/*/seed*
run() { echo "$kept/study/$1/seed0"; }
for figure in book/src/images/bandit.svg "$kept/bandit.png"; do
    "$RLAI" policy "$(run reverse-left)" "$(run reverse-right)" "$(run reverse-broad)" \
        "$(run forward)" "$(run mixture-forward)" --optimal 0.1 --figure "$figure" \
        --title "Two peaks: where the policies end" \
        --labels "reverse KL from the left,reverse KL from the right,reverse KL from broad,forward KL,forward KL (mixture)" \
        >/dev/null
done
