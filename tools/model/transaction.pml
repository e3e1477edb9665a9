/* The transaction protocol over ONE contended path p: up to three runs at once, each with several distributions; fresh
 * installs, upgrades (of changed and of unchanged bytes), removals, changes of rank, failures and deaths, recovery included.
 *
 *   ./check.sh           every scenario must hold
 *   ./check.sh short     those of some seconds each
 *   ./check.sh guards    every guard taken out in turn must be caught
 *
 * Distributions are 1..N (the number is the name's order).  Claim d is version 1's on p, d+N version 2's, or d again where
 * same[d].  A claim's bytes are the claim's number, or eq[c]-1 where that is set: then two distributions ship equal bytes.
 * Precedence: rank, then name; the highest is shown.
 *   act(r,d) ask(r,d)  what run r does to d, and the rank it asks for (0: unsaid; n+1: rank n)
 *   oldc newc nr chg   the plan of it, immutable once published: the claim revoked, the claim made, its rank, p is staged or settled
 *   st[r]        the transaction's state: GONE, OPEN, COMMITTED, ABORTED; each change is one rename
 *   s1[d] s2[d]  the dist-info of version 1 / 2 is shown      rk[d] rk[d+N]  the rank written in it
 *   f            the bytes at p (0: no file; STRAY: a file that nobody has ever claimed)
 *   kept[c]      a loser's content   staged[c] a change's content inside its transaction
 *   lockp        the path's stripe   lockd[d]  the distribution lock
 *   want[d]      the last rank that a committed run has asked for: no step reads it, it is there to be compared
 * A change of rank (RERANK) is a transaction of its own: the same claim with another rank.  It stages no content, replaces
 * the rank in the dist-info of the same name, settles p after the commit; until it is closed its word stands for the dist-info.
 * A process may die before any step that follows DIE (CR deaths in all); the kernel frees its locks.  A run that finds a dead
 * transaction on its names recovers it first.  With -DEARLY a third party recovers one of the dead while the others still
 * work, and may die at it; at the end everything is recovered once more.
 *
 * Checked when all is quiet: p shows exactly the highest installed claim; exactly the installed losers' contents are kept;
 * every rank is the one last asked for; nothing is staged; no lock is left.  With -DMON, at every single step, for every
 * claim that is installed or committed: p is not absent, and the content claimed is shown, kept or staged.
 *
 * What it taught, each a guard of settle or of the commit (see check.sh guards):
 *  M1 after the commit pass through every stripe once before hiding anything: settles that read the old state have ended then,
 *     later ones read the committed claims from the transaction.  A directory scan has no order: it can miss a dist-info that
 *     is shown under a new name and one that is hidden under the old, so no order of show and hide would do.
 *  M2 look at p BEFORE reading the claims and their ranks
 *  M3 an absent p is created by exclusive link, never by rename, and EEXIST means: start again
 *  M4 hold the stripe
 *  M5 keep the shown content, if it is still claimed, before renaming over it
 *  M6 what nobody claims and nobody has just revoked stays
 *  M7 a place that is taken is met under the stripe: whoever is emptying it has ended then, or sees this run's claim
 *  M8 a change of rank settles p whoever is shown, and drops its own kept content only where it is shown
 *  M9 the plan's rank is read under the distribution lock
 *  M10 bytes that are going stay while a committed claim whose content is not at hand is all that is left, the acting run's own too
 * And three rules the model is built on.  An open run only adds: where p is taken it keeps its content aside, and displaces nobody
 * before it is committed.  Claims of open runs rank below all others.  Never wait for a better claim whose content is not at
 * hand: show the best at hand, the better claim settles p itself when it comes.
 * Not in the model: altered bytes, several paths, an upgrade or reinstall under one dist-info name, the workers of one run
 * (reap them before the state changes), a directory scan of the transactions that is not atomic (but see -DSCAN).
 */
#ifndef N
#define N 2
#endif
#define GONE 0
#define OPEN 1
#define COMMITTED 2
#define ABORTED 3
#define KEEP 0
#define FRESH 1   /* installs version 1 */
#define UPGR 2    /* version 1 -> 2 */
#define REMV 3
#define RERANK 4  /* what is installed, with another rank */
#define STRAY 7
#define RANK(r,d,n) A(r,d)=RERANK; K(r,d)=n+1
bool same[4]; /* version 2 ships version 1's bytes at p: the upgrade then neither stages nor settles it */
byte eq[8];
#define V2(d) (d+N-N*same[d])
#define BYTES(c) (eq[c] -> eq[c]-1 : c)
#define OWNER(c) (c>N -> c-N : c)
byte st[4]; byte act[16]; byte ask[16]; byte oldc[16]; byte newc[16]; byte nr[16]; bool chg[16];
bool missing[8]; bool been; /* content lost before the first run: until something stands at p again, it may be absent */
#define LACKS (missing[1] || missing[2] || missing[3])
bool s1[4]; bool s2[4]; byte rk[8]; byte want[4]; byte f; bool kept[8]; bool staged[8];
byte lockp; byte lockd[4]; bool alive[4]; byte live; byte crashes;
#define A(r,d) act[(r)*4+(d)]
#define K(r,d) ask[(r)*4+(d)]
#define OLDC(r,d) oldc[(r)*4+(d)]
#define NEWC(r,d) newc[(r)*4+(d)]
#define NR(r,d) nr[(r)*4+(d)]
#define CHG(r,d) chg[(r)*4+(d)]
#define TOUCHES(r,d) (A(r,d)!=KEEP)
#define DIE if :: (crashes>0) -> d_step{ crashes--; if :: lockp==me -> lockp=0 :: else fi; k=1; do :: k>N -> break :: else -> if :: lockd[k]==me -> lockd[k]=0 :: else fi; k++ od; k=0 }; goto dead :: true -> skip fi
#define WAITS(x,y) ((TOUCHES(x,1) && TOUCHES(y,1)) || (TOUCHES(x,2) && TOUCHES(y,2)) || (N>2 && TOUCHES(x,3) && TOUCHES(y,3)))

/* --- claims: the words of transactions first, then the dist-infos of whoever no committed one speaks for --- */
#define HIGH 64  /* committed; an open claim ranks below all committed */
inline say(c, p) { if :: p>cp[c] -> cp[c]=p :: else fi }
inline hear(x) { /* one listed transaction: one look at its state; gone meanwhile means: again */
  d_step {
    q = st[x];
    if :: q==GONE -> again=1
    :: else ->
      k=1;
      do :: k>N -> break
         :: else ->
           if :: q==COMMITTED && TOUCHES(x,k) -> said = said | (1<<k); if :: NEWC(x,k) -> say(NEWC(x,k), HIGH+NR(x,k)*8+k); ws = ws | (1<<NEWC(x,k)) :: else fi
              :: q==OPEN && A(x,k)==FRESH -> say(NEWC(x,k), NR(x,k)*8+k)
              :: else fi;
           k++
      od; k=0
    fi
  };
  q=0
}
inline list() { /* which transactions stand there */
#ifdef SCAN
  ls = 0;
  if :: true -> ls = ls | ((st[1]!=GONE)<<1); ls = ls | ((st[2]!=GONE)<<2); ls = ls | ((st[3]!=GONE)<<3)
     :: true -> ls = ls | ((st[3]!=GONE)<<3); ls = ls | ((st[2]!=GONE)<<2); ls = ls | ((st[1]!=GONE)<<1) fi
#else
  d_step { ls = ((st[1]!=GONE)<<1) | ((st[2]!=GONE)<<2) | ((st[3]!=GONE)<<3) }
#endif
}
inline read_claims() {
  list();
  if :: ls & 2 -> hear(1) :: else fi;
  if :: (ls & 4) && !again -> hear(2) :: else fi;
  if :: (ls & 8) && !again -> hear(3) :: else fi;
  d = (again -> N+1 : 1);
  do :: d>N -> break
     :: d<=N && (said & (1<<d)) -> d++
     :: d<=N && !(said & (1<<d)) ->
        if :: d_step { if :: s1[d] -> say(d, HIGH+rk[d]*8+d) :: else fi }; d_step { if :: s2[d] -> say(V2(d), HIGH+rk[d+N]*8+d) :: else fi }
           :: d_step { if :: s2[d] -> say(V2(d), HIGH+rk[d+N]*8+d) :: else fi }; d_step { if :: s1[d] -> say(d, HIGH+rk[d]*8+d) :: else fi } fi;
        d++
  od;
  d = 0; ls = 0
}
/* --- the acting transaction t: what it has revoked and what it claims, whoever acts for it --- */
#define UNDOES (st[t]!=COMMITTED)
#define OLD(t,d) (UNDOES -> (A(t,d)==FRESH -> NEWC(t,d) : 0) : OLDC(t,d))
#define NEW(t,d) (UNDOES -> 0 : NEWC(t,d))
#define OWN(t,b) ((OLD(t,1) && BYTES(OLD(t,1))==b) || (OLD(t,2) && BYTES(OLD(t,2))==b) || (N>2 && OLD(t,3) && BYTES(OLD(t,3))==b))
#define GAVE(x,d,b) ((st[x]==COMMITTED && OLDC(x,d) && BYTES(OLDC(x,d))==b) || (st[x]==ABORTED && A(x,d)==FRESH && BYTES(NEWC(x,d))==b))
#define REVOKED(x,b) (GAVE(x,1,b) || GAVE(x,2,b) || (N>2 && GAVE(x,3,b)))
#define REMOVED(t,d) (TOUCHES(t,d) && OLDC(t,d) && !NEWC(t,d))
#define CONTESTED(t,d) ((A(t,d)==FRESH && kept[NEWC(t,d)]) || ((A(t,d)==UPGR || A(t,d)==RERANK) && CHG(t,d)))

inline forget() { q=0; d_step { c=1; do :: c>2*N -> break :: else -> cp[c]=0; c++ od; c=0; ws=0; said=0; sh=0; best=0; claimed=0; going=0; bars=0; again=0 } }
/* settle p on behalf of transaction t */
inline settle() {
  atomic{ lockp==0 -> lockp=me };
look:
  forget();
  sh=f;
  read_claims();
  if :: again -> goto look :: else fi;
  d_step { /* the highest claim at hand; is what stands there claimed, and may it go */
    c=1; p=0;
    do :: c>2*N -> break
       :: else ->
          if :: cp[c]>p && (BYTES(c)==sh || kept[c] || (staged[c] && (ws & (1<<c)))) -> best=c; p=cp[c] :: else fi;
          if :: cp[c] && BYTES(c)==sh -> claimed=1 :: else fi;
          if :: cp[c]>=HIGH -> bars=1 :: else fi;
          c++
    od;
    c=0; p=0;
    if :: best || UNDOES -> bars=0 :: else fi;
    going = !(best && BYTES(best)==sh)
  };
  if
  :: !sh && best -> if :: atomic{ f==0 -> f=BYTES(best); sh=f; been=1 } :: f!=0 -> goto look fi
  :: !sh && !best -> skip
  :: sh && !going -> skip
  :: sh && going ->
     if :: !claimed -> d_step { going = !bars && (OWN(t,sh) || REVOKED(1,sh) || REVOKED(2,sh) || REVOKED(3,sh)) } :: else fi;
     if
     :: !going -> skip
     :: going ->
        if :: claimed -> d_step { c=1; do :: c>2*N -> break :: else -> if :: cp[c] && BYTES(c)==sh -> kept[c]=1 :: else fi; c++ od; c=0 }; DIE :: else fi;
        if :: best -> d_step { f=BYTES(best); sh=f; if :: kept[best] -> kept[best]=0 :: else -> staged[best]=0 fi }
           :: !best && !claimed -> d_step { f=0; sh=0; been = !(LACKS && UNDOES) }
           :: else fi
     fi
  fi;
  DIE;
  /* what t has staged here is kept if it is claimed and another is shown */
  d_step { going=0; c=1; do :: c>N -> break :: else -> if :: NEW(t,c) && BYTES(NEW(t,c))!=sh && cp[NEW(t,c)] && staged[NEW(t,c)] -> kept[NEW(t,c)]=1; going=1 :: else fi; c++ od; c=0 };
  if :: going -> DIE :: else fi;
  /* what is kept of what is shown, or of what t claims no more, is dropped */
  d_step { going=0; c=1; do :: c>2*N -> break :: else -> if :: cp[c] && BYTES(c)==sh && kept[c] -> kept[c]=0; going=1 :: else fi; c++ od; c=0 };
  if :: going -> DIE :: else fi;
  d_step { going=0; c=1; do :: c>N -> break :: else -> if :: OLD(t,c) && !cp[OLD(t,c)] && kept[OLD(t,c)] -> kept[OLD(t,c)]=0; going=1 :: else fi; c++ od; c=0 };
  if :: going -> DIE :: else fi;
  lockp=0;
  forget()
}
inline grace() { (lockp==0) } /* pass through every stripe once: settles that read the old state have ended */
inline hold(t) { d=1; do :: d>N -> break :: d<=N && TOUCHES(t,d) -> atomic{ lockd[d]==0 -> lockd[d]=me; d++ } :: d<=N && !TOUCHES(t,d) -> d++ od; d=0 }
inline release() { d_step { d=1; do :: d>N -> break :: else -> if :: lockd[d]==me -> lockd[d]=0 :: else fi; d++ od; d=0 } }
#define INSTALLED(d) (s1[d] || s2[d])
#define NOW(d) (s1[d] -> rk[d] : rk[d+N])
/* what is installed now, to a plan: what does not apply any more is dropped */
inline plan_ranks() { d_step { d=1; do :: d>N -> break :: else -> NR(r,d) = (K(r,d) -> K(r,d)-1 : (INSTALLED(d) -> NOW(d) : 0)); d++ od; d=0 } }
inline plan() {
  d_step {
    d=1;
    do :: d>N -> break
       :: else ->
          if :: A(r,d)==FRESH && INSTALLED(d) -> A(r,d)=KEEP
             :: A(r,d)==UPGR && !s1[d] -> A(r,d)=KEEP
             :: A(r,d)==REMV && !INSTALLED(d) -> A(r,d)=KEEP
             :: A(r,d)==RERANK && (!INSTALLED(d) || NOW(d)==K(r,d)-1) -> A(r,d)=KEEP
             :: else fi;
          if :: A(r,d)==KEEP -> NR(r,d)=0
             :: A(r,d)==FRESH -> NEWC(r,d)=d
             :: A(r,d)==UPGR -> OLDC(r,d)=d; NEWC(r,d)=V2(d); CHG(r,d)=(!same[d] || NR(r,d)!=rk[d])
             :: A(r,d)==REMV -> OLDC(r,d)=(s1[d] -> d : V2(d)); NR(r,d)=0
             :: A(r,d)==RERANK -> OLDC(r,d)=(s1[d] -> d : V2(d)); NEWC(r,d)=OLDC(r,d); CHG(r,d)=1
          fi;
          d++
    od; d=0
  }
}
inline write_rank(d) { d_step { if :: s1[d] -> rk[d]=NR(t,d) :: s2[d] -> rk[d+N]=NR(t,d) :: else fi } }
inline reveal() { /* dist-infos; every step is idempotent */
  d=1;
  do :: d>N -> break
     :: d<=N && A(t,d)==KEEP -> d++
     :: d<=N && A(t,d)==FRESH -> d_step { s1[d]=1; rk[d]=NR(t,d) }; DIE; d++
     :: d<=N && A(t,d)==UPGR -> d_step { s2[d]=1; rk[d+N]=NR(t,d) }; DIE; d_step { s1[d]=0; rk[d]=0 }; DIE; d++
     :: d<=N && A(t,d)==REMV -> d_step { s1[d]=0; s2[d]=0; rk[d]=0; rk[d+N]=0 }; DIE; d++
     :: d<=N && A(t,d)==RERANK -> write_rank(d); DIE; d++
  od;
  d=0
}
inline close() { d_step { st[t]=GONE; d=1; do :: d>N -> break :: else -> if :: (A(t,d)==UPGR || A(t,d)==RERANK) && NEWC(t,d) -> staged[NEWC(t,d)]=0 :: else fi; d++ od; d=0 } }
inline commit() { d_step { st[r]=COMMITTED; d=1; do :: d>N -> break :: else -> if :: A(r,d)==REMV -> want[d]=0 :: TOUCHES(r,d) && (K(r,d) || A(r,d)==FRESH) -> want[d]=NR(r,d) :: else fi; d++ od; d=0 } }
#define ANY(m) (m(t,1) || m(t,2) || (N>2 && m(t,3)))
#define IS_FRESH(t,d) (A(t,d)==FRESH)

proctype Run(byte r; byte me; bool recovers) {
  byte cp[7]; byte ws, said, ls, q, sh, best, c, p, k, d, t, ph; bool claimed, going, bars, again;
  if :: recovers -> t=r; goto recover :: else fi;
start:
  hold(r);
  /* the dead come first: a transaction on one of our distributions whose owner is gone; recovery needs its locks */
  d_step { t=0; if :: r!=1 && st[1]!=GONE && WAITS(1,r) -> t=1 :: else fi; if :: r!=2 && st[2]!=GONE && WAITS(2,r) -> t=2 :: else fi; if :: r!=3 && st[3]!=GONE && WAITS(3,r) -> t=3 :: else fi };
  if :: t -> release(); goto recover :: else -> t=r fi;
  DIE;
  plan_ranks();
  plan();
  if :: A(r,1)==KEEP && A(r,2)==KEEP && A(r,3)==KEEP -> release(); goto dead :: else fi;
  /* a path that an upgrade leaves alone is looked at: is it shown, is it kept? */
  d=1;
  do :: d>N -> break
     :: d<=N && A(r,d)==UPGR && !CHG(r,d) -> if :: f==BYTES(NEWC(r,d)) -> skip :: else -> if :: kept[NEWC(r,d)] -> skip :: else -> CHG(r,d)=1 fi fi; d++
     :: d<=N && !(A(r,d)==UPGR && !CHG(r,d)) -> d++
  od;
  d=0;
  st[r]=OPEN;
  DIE;
  d=1;
  do :: d>N -> break
     :: d<=N && A(r,d)==FRESH ->
        if
        :: atomic{ f==0 -> f=BYTES(NEWC(r,d)); been=1 }
        :: f!=0 -> /* met under the stripe */
           atomic{ lockp==0 -> lockp=me };
           ph=d;
meet:
           forget();
           sh=f;
           read_claims();
           if :: again -> goto meet :: else -> d=ph fi;
           d_step { /* is it another's, or was until a moment ago? */
              c=1; do :: c>2*N -> break :: else -> if :: cp[c] && OWNER(c)!=d -> claimed=1 :: else fi; c++ od; c=0;
              claimed = (claimed || REVOKED(1,sh) || REVOKED(2,sh) || REVOKED(3,sh))
           };
           if :: !sh -> if :: atomic{ f==0 -> f=BYTES(NEWC(r,d)); been=1 } :: f!=0 -> goto meet fi
              :: sh==BYTES(NEWC(r,d)) -> skip
              :: sh && sh!=BYTES(NEWC(r,d)) && claimed -> kept[NEWC(r,d)]=1
              :: sh && sh!=BYTES(NEWC(r,d)) && !claimed -> assert(sh==STRAY); lockp=0; forget(); d=0; ph=0; goto undo /* refused */
           fi;
           DIE;
           lockp=0; forget(); ph=0
        fi;
        DIE; d++
     :: d<=N && A(r,d)==UPGR && CHG(r,d) -> staged[NEWC(r,d)]=1; DIE; d++
     :: d<=N && A(r,d)!=FRESH && !(A(r,d)==UPGR && CHG(r,d)) -> d++
  od;
  d=0;
  if :: commit(); DIE; goto finish :: goto undo fi;
recover:
  hold(t);
  if :: st[t]==GONE -> goto closed :: st[t]==COMMITTED -> goto finish :: st[t]==OPEN || st[t]==ABORTED -> goto undo fi;
undo:
  st[t]=ABORTED;
  DIE;
  if :: ANY(IS_FRESH) -> ph=2; goto settling :: else -> goto gone fi;
finish:
  grace();
  reveal();
  ph=(ANY(REMOVED) -> 1 : (ANY(CONTESTED) -> 2 : 3));
settling:
  do
  :: ph==3 -> break
  :: ph<3 -> settle(); DIE; ph=(ph==1 && ANY(CONTESTED) -> 2 : 3)
  od;
gone:
  close();
closed:
  DIE;
  release();
  ph=0;
  if :: !recovers && t!=r -> t=0; goto start :: else fi;
dead:
  atomic { if :: !recovers -> alive[r]=0 :: else fi; live-- }
}
#define GAP(c) (missing[c] && f!=BYTES(c) && !kept[c])
#define TOP(c,d,ran) if :: GAP(c) -> gap=1 :: !GAP(c) && (ran)*8+(d)>best -> best=(ran)*8+(d); top=c :: else fi
init {
  byte k, top, best; bool gap;
  atomic { crashes=CR; SCEN; been = (f!=0 || !LACKS); k=1;
    do :: k>N -> break :: else -> want[k]=NOW(k); k++ od; k=1;
    do :: k>3 -> break
       :: k<=3 -> if :: A(k,1)!=KEEP || A(k,2)!=KEEP || A(k,3)!=KEEP -> alive[k]=1; live++; run Run(k,10+k,0) :: else fi; k++ od; k=0
  };
#ifdef EARLY  /* a third party recovers the dead while the other run still works, and may die at it */
  if :: (st[1]!=GONE && !alive[1]) -> atomic { live++; run Run(1,21,1) } :: (st[2]!=GONE && !alive[2]) -> atomic { live++; run Run(2,22,1) }
     :: (st[3]!=GONE && !alive[3]) -> atomic { live++; run Run(3,23,1) } :: (live==0) -> skip fi;
#endif
  (live==0);
  crashes=0;
  live=3; atomic { run Run(1,30,1); run Run(2,31,1); run Run(3,32,1) };
  (live==0);
  d_step {
    top=0; best=0; k=1;
    do :: k>N -> break :: else -> assert(!(s1[k]&&s2[k])); if :: s1[k] -> TOP(k,k,rk[k]) :: s2[k] -> TOP(V2(k),k,rk[k+N]) :: else fi;
       if :: INSTALLED(k) -> assert(NOW(k)==want[k]) :: else fi; k++ od;
    if :: f==STRAY || (gap && !top) -> skip :: else -> assert(f==(top -> BYTES(top) : 0)) fi; assert(lockp==0);
    k=1;
    do :: k>N -> break :: else -> assert(lockd[k]==0); assert(!staged[k] && !staged[k+N]);
       assert(kept[k] == ((s1[k] || (s2[k] && same[k])) && f!=BYTES(k) && !GAP(k))); if :: !same[k] -> assert(kept[k+N] == (s2[k] && f!=BYTES(k+N))) :: else fi; k++ od
  }
}
#ifdef MON
/* the claim of d that stands now, by the protocol's own word: a committed run's, else the dist-info's */
#define BY(r,d) (st[r]==COMMITTED && TOUCHES(r,d))
#define CUR(d) (BY(1,d) -> NEWC(1,d) : (BY(2,d) -> NEWC(2,d) : (BY(3,d) -> NEWC(3,d) : (s1[d] -> d : (s2[d] -> V2(d) : 0)))))
#define LOST(c) (c && ((f==0 && been) || (!missing[c] && f!=BYTES(c) && !kept[c] && !staged[c])))
/* a run that is open shows over nobody whose content is there, once every committed one is closed */
#define OPENS(r,d) (st[r]==OPEN && A(r,d)==FRESH && f==BYTES(NEWC(r,d)))
#define OVER(d) ((s1[d] || s2[d]) && f!=BYTES(CUR(d)))
#define SHOWS(r) (st[r]==OPEN && (OPENS(r,1) || OPENS(r,2) || (N>2 && OPENS(r,3))))
#define HAS(d) (CUR(d) && BYTES(CUR(d))==f)
#define SHOWN_OPEN (!LACKS && !HAS(1) && !HAS(2) && !(N>2 && HAS(3)) && (SHOWS(1) || SHOWS(2) || SHOWS(3)) && st[1]!=COMMITTED && st[2]!=COMMITTED && st[3]!=COMMITTED && (OVER(1) || OVER(2) || (N>2 && OVER(3))))
active proctype Mon() { end: if :: atomic{ (LOST(CUR(1)) || LOST(CUR(2)) || (N>2 && LOST(CUR(3))) || SHOWN_OPEN) -> assert(false) } fi }
#ifdef HASSTRAY
active proctype Stays() { end: if :: atomic{ f!=STRAY && live>0 -> assert(false) } fi }
#endif
#endif
