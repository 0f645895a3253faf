//! With one worker, virtual time and a fixed seed, everything that happens is the same each time.

use crate::programs::PROGRAMS;
use crate::stage::{Ended, Stage};

/// With one worker, virtual time and a seed everything happens in the same way each time.
#[test]
fn the_same_seed_gives_the_same_run() {
    // Processes that draw lots to decide what they print, whom they tell and how long they sleep.
    let source = "
main:   load $10 #0
        self $0
start:  spawn @actor $0 $11
        inc $10
        brlt $10 #20 @start
        load $10 #0
        load $1 #-1
        load $2 #-1
take:   recv $1 $3
        msgi $6
        prti $6
        inc $10
        brlt $10 #400 @take
        hlt
actor:  load $10 #0
        self $9
next:   rand $1
        andi $1 #31 $1
        sleep $1
        rand $3
        andi $3 #7 $3
        load $4 #97
        add $3 $4 $4
        prtc $4
        load $2 #1
        sendi $0 $2 $1
        spawn @brief $3 $8
        inc $10
        brlt $10 #20 @next
        hlt
brief:  prti $0
        yield
        exit $0";
    let trace = |seed| -> (Ended, String, Vec<i64>, u64) {
        let stage = Stage::with(source, |config| config.seed = seed);
        let ended = stage.run(None, &[]);
        stage.await_left(0);
        (ended, stage.all_output(), stage.reasons(), stage.scheduler.fuel_spent())
    };
    let (first, second) = (trace(1), trace(1));
    assert_eq!((&first.0, &first.1, &first.2), (&second.0, &second.1, &second.2));
    assert_ne!(first.1, trace(2).1, "another seed, another run");
}

/// Where time is virtual, it stands still while processes run.
#[test]
fn virtual_time_is_that_of_the_waits() {
    for (what, source) in PROGRAMS {
        let run = |seed| {
            let stage = Stage::with(source, |config| config.seed = seed);
            stage.start(&[]);
            stage.await_left(0);
            let fuel: u64 =
                stage.endings().iter().map(|end| end.process.as_ref().unwrap().fuel_spent()).sum();
            (stage.all_output(), stage.reasons(), fuel)
        };
        assert_eq!(run(1), run(1), "{what}");
        assert_eq!(run(1), run(2), "{what}: it draws no lots");
    }
}
