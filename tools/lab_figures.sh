#!/bin/sh
# Draws the book's figures of the lab into book/src/images/lab, deterministically, in about a minute.
#
#   tools/lab_figures.sh             SVG only
#   tools/lab_figures.sh FOLDER      keep points.csv and PNG of every figure in FOLDER as well
#
# The program is built, unless RLAI names one.
set -eu
cd "$(dirname "$0")/.."
images=book/src/images/lab
if [ -z "${RLAI:-}" ]; then
    cargo build --release --quiet -p rlai-cli
    RLAI=target/release/rlai
fi
kept=${1:-$(mktemp -d)}
mkdir -p "$images" "$kept"

# draw NAME QUANTITY AXIS TITLE FLAGS...: one figure.
draw() {
    name=$1 quantity=$2 axis=$3 title=$4
    shift 4
    "$RLAI" lab estimators --show "$quantity" --title "$title" --out "$kept/$name" "$@" \
        >/dev/null 2>&1 || { echo "$name failed: $RLAI lab estimators $*" >&2; exit 1; }
    cp "$kept/$name/$quantity-by-$axis.svg" "$images/$name.svg"
}

for d in 6 17; do
    draw "forward-kl-by-samples-$d" relative-error samples \
        "Forward KL in $d dimensions: error of one gradient" \
        --problem quadratic --dimension $d --samples 4,8,16,32,64,128,256,512 \
        --estimator forward-kl,forward-kl-dreg,jensen-shannon,reverse-kl-stl --proposal policy,shifted
done
draw weight-families relative-error samples "Tempered and truncated weights in 17 dimensions" \
    --problem quadratic --dimension 17 --samples 8,16,32,64,128,256,512,1024 --repetitions 500 \
    --estimator forward-kl --tempering none,0.5,ess --truncation false,true
draw forward-kl-bias relative-bias samples "Self-normalised weights: bias falls like 1/N, late" \
    --problem quadratic --dimension 1,6,17 --samples 4,8,16,32,64,128,256,512 --repetitions 8000 \
    --estimator forward-kl-dreg
draw dreg-by-width standard-deviation target-width "Double reparameterisation needs a wide target" \
    --problem quadratic --dimension 1,6 --samples 32 --target-mean 0.3 \
    --target-width 0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,0.95 --estimator forward-kl,forward-kl-dreg
draw proposals-by-dimension effective-sample-size dimension \
    "Weights collapse with dimension" \
    --problem quadratic --dimension 1,2,3,4,6,8,11,14,17,20,24 --samples 32,128,1024 \
    --repetitions 300 --estimator forward-kl --proposal policy,shifted
draw control-variates relative-error samples "Near the optimum the control variate removes noise" \
    --problem quadratic --dimension 6 --target-mean 0.1 --target-width 0.95 \
    --samples 4,8,16,32,64,128,256,512 --estimator forward-kl --control-variate false,true
draw divergences relative-error samples "Divergences in 6 dimensions, each against its own gradient" \
    --problem quadratic --dimension 6 --samples 4,8,16,32,64,128,256,512 \
    --estimator forward-kl,jensen-shannon,alpha-divergence,mixed-kl,reverse-kl-score \
    --control-variate true
draw reverse-kl-by-width standard-deviation target-width "Reverse KL in 6 dimensions" \
    --problem quadratic --dimension 6 --samples 32 --target-mean 0.3 \
    --target-width 0.5,0.6,0.7,0.8,0.9,1,1.1,1.2 --estimator reverse-kl,reverse-kl-stl,reverse-kl-score
draw noise-by-dimension relative-error dimension "Stratified noise helps in few dimensions" \
    --problem quadratic --dimension 1,2,3,4,6,8,11,14,17 --samples 64 --estimator forward-kl \
    --noise independent,latin-hypercube,low-discrepancy

process="--random 1"
draw trajectories-by-horizon variance horizon "Variance grows with the horizon" \
    $process --horizon 1,2,4,6,8,12,16 --trajectories 16 --state-samples 16 --samples 2 \
    --estimator reverse-kl-trajectory,reverse-kl-reward-to-go,reverse-kl-score,forward-kl-trajectory \
    --baseline none,leave-one-out
draw trajectory-weights-by-horizon effective-sample-size horizon \
    "Weights of whole trajectories collapse" \
    $process --horizon 1,2,4,6,8,12,16,20,24 --trajectories 16,64,256 \
    --estimator forward-kl-trajectory --repetitions 400
draw state-weights-by-horizon state-effective-sample-size horizon \
    "How many of 64 states count at a step" \
    $process --horizon 1,2,4,6,8,12,16,24,32 --trajectories 64 --repetitions 200 \
    --estimator forward-kl-all-actions --state-weights full-trajectory,twisted,particle-smoothing
draw state-weights-error relative-error horizon "State weights of marginalised forward KL" \
    $process --horizon 1,2,4,6,8,12,16,24 --trajectories 64 --state-samples 64 --repetitions 200 \
    --estimator forward-kl-all-actions \
    --state-weights uniform,full-trajectory,twisted,particle-smoothing,posterior
draw marginal-reverse-kl variance samples "What more actions a state take away" \
    $process --horizon 6 --samples 2,4,8,16,32 --state-samples 1,8 \
    --estimator reverse-kl-score --baseline none,leave-one-out,value --repetitions 2000
draw known-evidence relative-error trajectories "Self-normalised or divided by the known evidence" \
    $process --horizon 3 --trajectories 2,4,8,16,32,64,128,256,512 \
    --estimator forward-kl-trajectory,forward-kl-trajectory-known-evidence
