/* One delivery, two workers and the endpoint: claim, lease, send, settle, and what can happen in between.
 *
 * Each `atomic` is one statement of SQL or one step of a worker. A worker may die between any two of them, its lease may end at
 * any time, and the answer to a statement that was committed may be lost. The words are those of migrations/0003_delivering.sql.
 *
 * With one of these the model is of a wrong program, and must fail:
 *   NO_FENCE         a settle does not compare the token
 *   NO_RECHECK       a claim takes a row that is leased
 *   COUNT_AT_SETTLE  the attempt is counted when it is recorded, not when it is claimed
 *   RESEND           a request whose answer was lost is sent again with the same token
 *   DROP_OUTCOME     what an unanswered settle was to record is forgotten, and the row is closed
 */

#define CRASHES 2
#define ATTEMPTS 4

/* The row: whose lease it is (0: none), the attempt that was claimed last, and how it ended. */
byte lease_by, attempt;
bool delivered, dead;
/* What the endpoint saw: how often each token came, and whether any request was answered with 2xx. */
byte received[ATTEMPTS + 1];
bool answered[ATTEMPTS + 1];
byte crashes;

#define ended (delivered || dead)

/* A claim counts the attempt, so that no two requests carry the same token. */
inline claim(me, token) {
    atomic {
#ifdef NO_RECHECK
        !ended && attempt < ATTEMPTS ->
#else
        !ended && lease_by == 0 && attempt < ATTEMPTS ->
#endif
        /* While a lease lasts no other worker sends: what it sends would be a duplicate without a cause. */
        assert(lease_by == 0);
        lease_by = me;
#ifdef COUNT_AT_SETTLE
        token = attempt + 1
#else
        attempt++;
        token = attempt
#endif
    }
}

/* The endpoint answers with 2xx or not; the worker may not hear it. */
inline send(token, heard, well) {
    atomic {
        received[token]++;
        /* No request repeats another one: each has a token of its own. */
        assert(received[token] == 1);
        if
        :: answered[token] = true; heard = true; well = true
        :: answered[token] = true; heard = false
        :: heard = true; well = false
        :: heard = false
        fi
    }
}

inline settle(me, token, well) {
    atomic {
#ifdef NO_FENCE
        if
        :: true ->
#else
        if
        :: !ended && lease_by == me && attempt == token ->
#endif
            /* What has ended stays as it is, and the token of the row is the one that is recorded. */
            assert(!ended);
            assert(attempt == token);
#ifdef COUNT_AT_SETTLE
            attempt++;
#endif
            lease_by = 0;
            if
            :: well -> delivered = true; assert(answered[token])
            :: !well && attempt == ATTEMPTS -> dead = true
            :: else
            fi
#ifndef NO_FENCE
        /* Another claim owns the row, or it has ended: the outcome is stale and changes nothing. */
        :: else
#endif
        fi
    }
}

proctype worker(byte me) {
    byte token;
    bool heard, well;
idle:
    heard = false; well = false;
    do
    :: ended -> goto done
    :: claim(me, token) -> break
    od;
    if
    :: crashes < CRASHES -> crashes++; goto idle
    :: skip
    fi;
    send(token, heard, well);
#ifdef RESEND
    if
    :: !heard -> send(token, heard, well)
    :: else
    fi;
#endif
    if
    :: crashes < CRASHES -> crashes++; goto idle
    :: skip
    fi;
    /* Not heard in time is a failure like another. The settle is repeated until it is answered for. */
    well = well && heard;
    do
    :: settle(me, token, well); break
    :: crashes < CRASHES -> crashes++;
#ifdef DROP_OUTCOME
        atomic { if :: !ended -> delivered = true; assert(answered[token]) :: else fi }; break
#else
        skip
#endif
    od;
    goto idle;
done:
    skip
}

/* The database's clock: a lease may end while its worker still works, and is given up then. At the last attempt the row dies. */
active proctype clock() {
    do
    :: atomic { lease_by != 0 && !ended -> lease_by = 0; if :: attempt == ATTEMPTS -> dead = true :: else fi }
    :: ended -> break
    od
}

init { atomic { run worker(1); run worker(2) } }

/* Under fair scheduling every delivery ends. */
ltl ends { <> ended }
