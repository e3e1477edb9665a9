#!/bin/bash
# Model-checks transaction.pml; needs spin, a C compiler and python3. `check.sh`: every scenario holds. `check.sh short`: those
# that take some seconds each hold. `check.sh guards`: every guard taken out is caught. `check.sh all`: scenarios and guards.
# A scenario that could not be explored to its end counts as failed, and a guard as missed. The last line is the figure.
set -u
case ${EVIDENCE:-} in ''|/*) ;; *) EVIDENCE=$PWD/$EVIDENCE;; esac
here=$(cd "$(dirname "$0")" && pwd); tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT; cd "$tmp" || exit 1
good=0; all=0; level=0; states=0 # small ones are compiled longer than they run
explore() { # flags deaths scenario -> prints states; 0 holds, 1 an error was found, 2 not explored
  rm -f pan pan.c out; sed "s/SCEN/$3/; s/\bCR\b/$2/" model.pml >s.pml
  spin -DMON $1 -a s.pml >/dev/null 2>&1 && cc "-O$level" -w -DVECTORSZ=2048 -DSAFETY -DCOLLAPSE -DMEMLIM=7000 -o pan pan.c 2>/dev/null || return 2
  ./pan -m1000000 >out 2>&1; grep -oE '[0-9.e+]+ states, stored' out | cut -d' ' -f1
  grep -qE 'search depth too small|out of memory|reached -DMEMLIM' out && return 2
  grep -q 'errors: 0' out && return 0
  grep -q 'errors: 1' out && return 1 || return 2
}
count() { states=$(python3 -c 'import sys; print(int(sys.argv[1]) + int(float(sys.argv[2] or 0)))' "$states" "$1"); }
holds() { # flags, deaths, scenario
  all=$((all + 1)); SECONDS=0; cp "$here/transaction.pml" model.pml; n=$(explore "$1" "$2" "$3"); r=$?; [ $r = 0 ] && good=$((good + 1))
  count "$n"
  printf '%-7s deaths=%s %10s states %4s s  %s %s\n' "$([ $r = 0 ] && echo holds || echo FAILS)" "$2" "$n" $SECONDS "$3" "$1"
}
caught() { # name, the guard and what replaces it (once or several times), flags, deaths, scenario
  all=$((all + 1)); local name=$1 changes=("${@:2:$#-4}"); shift $(($# - 3))
  python3 - "$here/transaction.pml" "${changes[@]}" <<'PY' || { echo "guard not found: $name"; return; }
import sys
text = open(sys.argv[1]).read()
for old, new in zip(sys.argv[2::2], sys.argv[3::2]):
    if text.count(old) != 1: sys.exit(1)
    text = text.replace(old, new)
open("model.pml", "w").write(text)
PY
  n=$(explore "$1" "$2" "$3"); r=$?; count "$n"
  cp "$here/transaction.pml" model.pml; explore "$1" "$2" "$3" >/dev/null || r=2 # with the guard the scenario holds
  [ $r = 1 ] && good=$((good + 1))
  printf '%-7s %-38s %10s states  %s\n' "$([ $r = 1 ] && echo caught || echo MISSED)" "$name" "$n" "$3"
}
two='s1[1]=1; s1[2]=1; f=2; kept[1]=1'          # installed: 1 and, shown over it, 2
raised='s1[1]=1; s1[2]=1; rk[1]=1; f=1; kept[2]=1' # the same, 1 shown by its rank
three="$two; s1[3]=1; f=3; kept[2]=1"
leaving='s1[1]=1; f=1; A(1,1)=REMV'
guards() {
  caught 'M1 pass through the stripes' 'inline grace() { (lockp==0) }' 'inline grace() { skip }' -DN=3 0 's1[1]=1; s1[3]=1; f=3; kept[1]=1; same[1]=1; A(1,1)=UPGR; A(2,3)=REMV'
  caught 'M1 pass through, a rank lowered' 'inline grace() { (lockp==0) }' 'inline grace() { skip }' -DN=2 0 "$raised; same[2]=1; RANK(1,1,0); A(2,2)=UPGR"
  caught 'M2 look before claims' $'  sh=f;\n  read_claims();\n  if :: again -> goto look' $'  read_claims();\n  sh=f;\n  if :: again -> goto look' -DN=3 0 "eq[3]=2; $leaving; A(2,2)=FRESH; A(3,3)=FRESH"
  caught 'M2 look before claims, a rank raised' $'  sh=f;\n  read_claims();\n  if :: again -> goto look' $'  read_claims();\n  sh=f;\n  if :: again -> goto look' -DN=3 0 's1[1]=1; s1[2]=1; kept[1]=1; missing[2]=1; RANK(1,1,1); A(2,3)=FRESH'
  caught 'M3 exclusive create' 'if :: atomic{ f==0 -> f=BYTES(best); sh=f; been=1 } :: f!=0 -> goto look fi' 'f=BYTES(best); sh=f' -DN=2 0 's1[1]=1; missing[1]=1; A(1,1)=UPGR; A(2,2)=FRESH'
  caught 'M3 exclusive create, a rank raised' 'if :: atomic{ f==0 -> f=BYTES(best); sh=f; been=1 } :: f!=0 -> goto look fi' 'f=BYTES(best); sh=f' -DN=3 0 's1[1]=1; s1[2]=1; kept[1]=1; missing[2]=1; RANK(1,1,1); A(2,3)=FRESH'
  caught 'M4 hold the stripe' $'inline settle() {\n  atomic{ lockp==0 -> lockp=me };' $'inline settle() {\n  lockp=me;' -DN=3 0 "$leaving; A(2,2)=FRESH; A(3,3)=FRESH"
  caught 'M4 hold the stripe, ranks' $'inline settle() {\n  atomic{ lockp==0 -> lockp=me };' $'inline settle() {\n  lockp=me;' -DN=3 0 "$three; RANK(1,1,1); RANK(2,2,2); A(3,3)=REMV"
  caught 'M5 keep before renaming over' 'if :: cp[c] && BYTES(c)==sh -> kept[c]=1 :: else fi; c++ od; c=0 }; DIE' 'c++ od; c=0 }' -DN=2 0 'A(1,1)=FRESH; A(2,2)=FRESH'
  caught 'M5 keep before, a rank raised' 'if :: cp[c] && BYTES(c)==sh -> kept[c]=1 :: else fi; c++ od; c=0 }; DIE' 'c++ od; c=0 }' -DN=2 0 "$two; RANK(1,1,1)"
  caught 'M6 what nobody claims stays' 'd_step { going = !bars && (OWN(t,sh) || REVOKED(1,sh) || REVOKED(2,sh) || REVOKED(3,sh)) }' skip '-DN=2 -DHASSTRAY' 1 'f=STRAY; A(1,1)=FRESH; A(2,2)=FRESH'
  caught 'M7 met under the stripe' $'atomic{ lockp==0 -> lockp=me };\n           ph=d;' 'ph=d;' -DN=2 0 "$leaving; A(2,2)=FRESH"
  caught 'M8 a new rank settles' 'NEWC(r,d)=OLDC(r,d); CHG(r,d)=1' 'NEWC(r,d)=OLDC(r,d)' -DN=2 0 "$two; RANK(1,1,1)"
  caught 'M8 what it kept stays kept' 'OLD(t,c) && !cp[OLD(t,c)] && kept' 'OLD(t,c) && kept' -DN=2 0 "$two; RANK(1,1,1); RANK(2,2,2)"
  caught 'M9 the rank is read under the lock' $'  plan_ranks();\n' '' $'start:\n' $'start:\n  plan_ranks();\n' -DN=2 0 "$two; RANK(1,1,1); A(2,1)=UPGR"
  caught 'distribution locks' $'start:\n  hold(r);' $'start:\n  t=0;' -DN=2 0 "$two; RANK(1,1,1); RANK(2,1,2)"
  caught 'a new rank counts from the commit' ':: q==OPEN && A(x,k)==FRESH' $':: q==OPEN && A(x,k)==RERANK -> said = said | (1<<k); say(NEWC(x,k), HIGH+NR(x,k)*8+k)\n :: q==OPEN && A(x,k)==FRESH' -DN=2 0 's1[1]=1; f=1; RANK(1,1,1); A(2,2)=FRESH'
  caught 'a new rank is shown after the commit' 'if :: commit(); DIE; goto finish' 'reveal(); if :: commit(); DIE; goto finish' -DN=2 0 "$two; RANK(1,1,1); A(2,2)=REMV"
  caught 'open claims rank below' 'say(NEWC(x,k), NR(x,k)*8+k)' 'say(NEWC(x,k), HIGH+NR(x,k)*8+k)' -DN=2 0 's1[1]=1; f=1; RANK(1,1,1); A(2,2)=FRESH; K(2,2)=3'
  caught 'what is staged is kept' 'cp[NEW(t,c)] && staged[NEW(t,c)] -> kept' 'false -> kept' -DN=2 0 "$two; RANK(1,1,1); A(2,2)=UPGR"
  caught 'what is shown is not kept' 'cp[c] && BYTES(c)==sh && kept[c] -> kept[c]=0; going=1' 'false -> skip' '-DN=2 -DEARLY' 1 "$two; RANK(1,1,1); RANK(2,2,2)"
  caught 'what is going bars nobody' '(claimed || REVOKED(1,sh) || REVOKED(2,sh) || REVOKED(3,sh))' claimed -DN=2 0 "$leaving; A(2,2)=FRESH"
  caught 'M10 absent is worse, a lost rank raised' 'if :: cp[c]>=HIGH -> bars=1' 'if :: cp[c]>=HIGH && !TOUCHES(t,OWNER(c)) -> bars=1' -DN=2 0 'missing[1]=1; s1[1]=1; s1[2]=1; f=2; RANK(1,1,1); A(2,2)=REMV'
  caught 'M10 absent is worse' 'd_step { going = !bars && (' 'd_step { going = (' -DN=2 0 'missing[1]=1; s1[1]=1; s1[2]=1; f=2; A(1,2)=REMV'
}
quick() {
  holds '-DN=2' 0 's1[1]=1; s1[2]=1; f=2; kept[1]=1; A(1,1)=UPGR; A(2,2)=REMV'
  holds '-DN=2 -DSCAN' 1 'A(1,1)=FRESH; A(2,2)=FRESH'
  holds '-DN=2 -DEARLY' 1 's1[1]=1; f=1; A(1,1)=UPGR; A(2,2)=FRESH'
  holds '-DN=2 -DEARLY' 1 'A(1,1)=FRESH; A(1,2)=FRESH; A(2,1)=FRESH; A(2,2)=FRESH'
  holds '-DN=2 -DEARLY' 1 's1[1]=1; s1[2]=1; f=2; kept[1]=1; A(1,1)=UPGR; A(1,2)=REMV; A(2,1)=REMV; A(2,2)=UPGR'
  holds '-DN=3' 0 's1[1]=1; s1[3]=1; f=3; kept[1]=1; same[1]=1; A(1,1)=UPGR; A(2,3)=REMV'
  # ranks: a loser raised, the shown one lowered; beside a removal, an upgrade, a change of rank, a fresh one
  holds '-DN=2 -DEARLY' 2 "$two; RANK(1,1,1); A(2,2)=REMV"
  holds '-DN=2 -DEARLY' 2 "$two; RANK(1,1,1); A(2,2)=UPGR"
  holds '-DN=2 -DEARLY' 2 "$two; RANK(1,1,1); A(2,2)=UPGR; same[2]=1; K(2,2)=2"
  holds '-DN=2 -DEARLY' 2 "$two; RANK(1,1,1); RANK(2,2,2)"
  holds '-DN=2 -DEARLY' 2 "$two; RANK(1,1,1); A(2,1)=UPGR"
  holds '-DN=2 -DEARLY' 2 "$two; RANK(1,1,1); A(2,1)=REMV"
  holds '-DN=2 -DEARLY' 2 "$two; RANK(1,1,1); RANK(2,1,2)"
  holds '-DN=2 -DEARLY' 2 "$two; RANK(1,1,1); A(1,2)=REMV; RANK(2,2,2)"
  holds '-DN=2 -DEARLY' 2 "$raised; RANK(1,1,0); A(2,2)=REMV"
  holds '-DN=2 -DEARLY' 2 "$raised; RANK(1,1,0); A(2,2)=UPGR"
  holds '-DN=2 -DEARLY' 2 "$raised; RANK(1,1,0); A(2,2)=UPGR; same[2]=1"
  holds '-DN=2 -DEARLY' 2 "$raised; RANK(1,1,0); RANK(2,2,1)"
  holds '-DN=2 -DEARLY' 2 's1[1]=1; f=1; RANK(1,1,1); A(2,2)=FRESH'
  holds '-DN=2 -DEARLY' 2 's1[1]=1; f=1; RANK(1,1,1); A(2,2)=FRESH; K(2,2)=3'
  holds '-DN=2 -DEARLY' 2 's1[1]=1; rk[1]=1; f=1; RANK(1,1,0); A(2,2)=FRESH'
  # a file that nobody claims; equal bytes; content lost beforehand
  holds '-DN=2 -DEARLY -DHASSTRAY' 2 'f=STRAY; A(1,1)=FRESH; A(2,2)=FRESH'
  holds '-DN=2 -DEARLY' 2 "eq[2]=2; $leaving; A(2,2)=FRESH"
  holds '-DN=2 -DEARLY' 2 'eq[2]=2; A(1,1)=FRESH; A(2,2)=FRESH'
  holds '-DN=2 -DEARLY' 2 'eq[2]=2; s1[1]=1; f=1; RANK(1,1,1); A(2,2)=FRESH'
  holds '-DN=2 -DEARLY' 2 's1[1]=1; missing[1]=1; A(1,1)=UPGR; A(2,2)=FRESH'
  holds '-DN=2 -DEARLY' 2 'missing[1]=1; s1[1]=1; s1[2]=1; f=2; A(1,2)=REMV'
  holds '-DN=2 -DEARLY' 2 'missing[1]=1; s1[1]=1; s1[2]=1; f=2; RANK(1,1,1); A(2,2)=REMV'
}
slow() {
  level=1
  holds '-DN=3 -DEARLY' 1 's1[1]=1; f=1; A(1,1)=REMV; A(1,2)=FRESH; A(2,3)=FRESH'
  holds '-DN=3 -DEARLY' 1 's1[1]=1; s1[3]=1; f=3; kept[1]=1; A(1,1)=UPGR; A(1,3)=REMV; A(2,2)=FRESH'
  holds '-DN=3 -DEARLY' 1 's1[1]=1; s1[3]=1; f=3; kept[1]=1; A(1,1)=UPGR; A(2,3)=UPGR; A(2,2)=FRESH'
  holds '-DN=3 -DEARLY' 2 's1[1]=1; s1[2]=1; s1[3]=1; f=3; kept[1]=1; kept[2]=1; A(1,1)=UPGR; A(1,3)=REMV; A(2,2)=REMV'
  holds '-DN=3' 0 "$leaving; A(2,2)=FRESH; A(3,3)=FRESH"
  holds '-DN=3' 0 "eq[3]=2; $leaving; A(2,2)=FRESH; A(3,3)=FRESH"
  holds '-DN=3' 0 "eq[3]=2; $two; RANK(1,1,1); A(2,2)=REMV; A(3,3)=FRESH"
  holds '-DN=3 -DEARLY' 1 "$two; RANK(1,1,1); A(2,3)=FRESH"
  holds '-DN=3 -DEARLY' 1 "$raised; RANK(1,1,0); A(2,3)=FRESH"
  holds '-DN=3 -DEARLY' 1 "$two; RANK(1,1,1); A(2,2)=REMV; A(2,3)=FRESH"
  holds '-DN=3 -DEARLY' 1 "$three; RANK(1,1,1); A(2,3)=REMV; RANK(2,2,1)"
  holds '-DN=3 -DEARLY' 1 "eq[2]=2; $three; RANK(1,1,1); A(2,3)=REMV; A(2,2)=REMV"
  holds '-DN=3' 0 's1[1]=1; s1[2]=1; kept[1]=1; missing[2]=1; RANK(1,1,1); A(2,3)=FRESH'
  holds '-DN=3' 0 "$two; RANK(1,1,1); A(2,2)=REMV; A(3,3)=FRESH"
  holds '-DN=3' 0 "$three; RANK(1,1,1); RANK(2,2,1); A(3,3)=REMV"
  holds '-DN=3' 0 "$three; RANK(1,1,1); RANK(2,2,1); A(3,3)=UPGR"
  holds '-DN=3 -DEARLY' 1 "$three; RANK(1,1,1); RANK(2,2,2); RANK(3,3,1)"
  holds '-DN=3 -DEARLY' 1 "$two; RANK(1,1,1); RANK(2,2,2); A(3,3)=FRESH"
}
begun=$(date +%s)
case ${1:-} in
guards) guards; echo "$good of $all guards caught";;
short) quick; echo "$good of $all scenarios hold";;
all) quick; slow; guards; echo "$good of $all scenarios hold and guards are caught";;
*) quick; slow; echo "$good of $all scenarios hold";;
esac
if [ -n "${EVIDENCE:-}" ]; then
  python3 "$here/../evidence.py" --note "$EVIDENCE" model 'the protocol' "$good of $all hold or are caught" states \
    "$states" $((all - good)) $(($(date +%s) - begun)) "model/check.sh ${1:-}"
fi
[ "$good" = "$all" ]
