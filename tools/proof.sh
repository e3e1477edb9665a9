#!/bin/bash
# All campaigns in full, one after the other: hours. `proof.sh FILE`: what each has shown is appended to FILE, and the
# table of all that stands there is printed at the end. What was done is left out where a campaign can tell (crash).
# Begun again with another SEED it adds to the figures. 1 where any campaign found something wrong.
set -u
case $1 in /*) file=$1;; *) file=$PWD/$1;; esac
seed=${SEED:-1}
cd "$(dirname "$0")/.." || exit 1
failed=""
campaign() {
    echo
    echo "=== make $*"
    make "$@" EVIDENCE="$file" SEED="$seed" || failed="$failed $1"
}
campaign model
campaign races ROUNDS=50
campaign peers ROUNDS=50
campaign kills ROUNDS=760
campaign together ROUNDS=20
campaign shown
campaign orders ORDERS="--preemptions 1 --deaths"
campaign orders ORDERS="--preemptions 2 --deaths --every 5"
campaign orders ORDERS="--random 1000 --seed $seed"
campaign mutants
campaign crash CRASH="--what '[!r]*' --what rebuild --what 'recover-*' --append $file.points"
campaign crash CRASH="--what 'recovery-of-*' --every 13 --append $file.recoveries"
campaign crash CRASH="--sample 2400 --seed $seed --append $file.samples"
campaign deaths DEATHS="--every 13"
campaign stress STRESS="--processes 6 --minutes 60 --seed $seed --html $file.html --png $file.png"
campaign stress STRESS="--processes 6 --minutes 10 --seed $seed --installer lugnut --installer uv --installer pip"
campaign containers
campaign filesystems
campaign power
campaign hosts
campaign redis
echo
python tools/evidence.py "$file"
[ -z "$failed" ] || { echo "something was wrong in:$failed"; exit 1; }
