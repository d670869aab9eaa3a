/* A look for due work beside producers that commit in another order than they began in.
 *
 * Three transactions each write one row; a worker looks again and again. A look is given the snapshot of the look before, and reads the
 * rows of exactly those transactions that it sees and that one did not (migrations/0003_delivering.sql, decision 36).
 *
 * With one of these the model is of a wrong program, and must fail:
 *   BY_LAST_ID   a look reads ids above the highest one that it has seen
 *   BY_NEXT_ID   a look reads from the end of the snapshot before, and forgets the transactions that ran then
 *   HINT         a look after which nothing was found is the last one until a commit is announced, and announcements may be lost
 */

#define WRITERS 3

/* A transaction's id is its place in the order of beginning. */
byte next_id;
bool running[WRITERS + 1], visible[WRITERS + 1], found[WRITERS + 1];
byte ended_writers;
bool announced = true;

proctype writer() {
    byte id;
    atomic { next_id++; id = next_id; running[id] = true }
    atomic {
        running[id] = false; visible[id] = true; ended_writers++;
#ifdef HINT
        /* The announcement may be lost. */
        if :: announced = true :: skip fi
#endif
    }
}

/* seen_end and was_running are the snapshot of the look before. */
active proctype looker() {
    byte seen_end = 0, i;
    bool was_running[WRITERS + 1];
    do
    :: ended_writers == WRITERS && found[1] && found[2] && found[3] -> break
    :: atomic {
#ifdef HINT
        announced -> announced = false;
#else
        true ->
#endif
        i = 1;
        do
        :: i <= WRITERS ->
            if
#ifdef BY_LAST_ID
            :: visible[i] && i > seen_end -> found[i] = true
#else
#ifdef BY_NEXT_ID
            :: visible[i] && i > seen_end -> found[i] = true
#else
            :: visible[i] && (i > seen_end || was_running[i]) ->
                /* It is read once: a look costs what is new. */
                assert(!found[i]);
                found[i] = true
#endif
#endif
            :: else
            fi;
            i++
        :: else -> break
        od;
#ifdef BY_LAST_ID
        i = 1;
        do
        :: i <= WRITERS -> if :: visible[i] && i > seen_end -> seen_end = i :: else fi; i++
        :: else -> break
        od;
#else
        seen_end = next_id;
#endif
        i = 1;
        do
        :: i <= WRITERS -> was_running[i] = running[i]; i++
        :: else -> break
        od;
        i = 0 }
    od
}

init { atomic { run writer(); run writer(); run writer() } }

/* Under fair scheduling every row is found. */
ltl finds { <> (found[1] && found[2] && found[3]) }
