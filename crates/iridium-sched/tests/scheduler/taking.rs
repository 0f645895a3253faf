//! A process is saved and removed in one step, and goes on elsewhere as the process that it was.

use std::sync::Arc;
use std::time::Duration;

use iridium_sched::{RestoreError, RestoreOptions, SaveError, Standalone};
use iridium_vm::{Hosts, Payload, Pid};

use crate::stage::{PATIENCE, Stage, program, until};

/// Prints the numbers that it is sent, under the name `printer`; ends at 0.
const PRINTER: &str = "
.data
name:   .asciiz 'printer'
.code
        self $9
        register @name $9
next:   load $0 #-1
        load $1 #-1
        recv $0 $3
        msgi $6
        breq $6 #0 @end
        prti $6
        djmp @next
end:    hlt
spin:   djmp @spin
sender: load $1 #1              ; to $0
        sendi $0 $1 $2          ; what is in $2
        hlt
";

fn number(number: i64) -> Payload {
    Payload::Word(number.to_le_bytes())
}

/// Another node.
fn elsewhere(stage: &Stage) -> Stage {
    let node = stage.scheduler.node() + 1;
    Stage::of(program(PRINTER, &Hosts::new()), |config| {
        (config.node, config.distribution) = (node, Arc::new(Standalone { node }));
    })
}

#[test]
fn a_process_that_waits_goes_on_elsewhere_under_its_pid_with_its_mail_and_names() {
    let home = Stage::new(PRINTER);
    let pid = home.start(&[]);
    home.await_rest();
    home.scheduler.send(Pid::NOBODY, pid, 5, number(1));
    until("it has printed", || home.output(pid) == "1");
    let bytes = home.scheduler.take(pid, true).unwrap();
    assert!(!home.scheduler.is_alive(pid));
    assert_eq!((home.scheduler.process_count(), home.scheduler.find("printer")), (0, None));
    assert_eq!(home.endings().len(), 0, "it has not ended");
    assert_eq!(home.scheduler.take(pid, true), Err(SaveError::NoProcess), "only once");

    let there = elsewhere(&home);
    assert_eq!(there.scheduler.restore_as(&bytes, &Hosts::new()), Ok(pid));
    assert!(there.scheduler.is_alive(pid) && pid.node() == home.scheduler.node());
    assert_eq!(there.scheduler.find("printer"), Some(pid));
    // From outside, from a process there, and listed as what it is.
    there.scheduler.send(Pid::NOBODY, pid, 5, number(2));
    there.start_at("sender", &[pid.bits(), 0, 3]);
    until("it has printed", || there.output(pid) == "23" || there.output(pid) == "32");
    there.await_left(1);
    there.await_rest();
    let listed = there.scheduler.processes();
    assert_eq!((listed.len(), listed[0].pid, listed[0].names.len()), (1, pid, 1));

    there.scheduler.send(Pid::NOBODY, pid, 5, number(0));
    there.await_left(0);
    assert!(!there.scheduler.is_alive(pid));
    assert_eq!(there.scheduler.find("printer"), None);
}

#[test]
fn mail_that_came_before_goes_with_it_and_mail_that_comes_later_does_not() {
    let home = Stage::real(PRINTER, 2);
    for round in 1..50 {
        let pid = home.start(&[]);
        let sender = home.scheduler.clone();
        let sending = std::thread::spawn(move || {
            (1..=200).for_each(|_| sender.send(Pid::NOBODY, pid, 5, number(1)));
        });
        let bytes = home.scheduler.take(pid, true).unwrap();
        sending.join().unwrap();
        let there = elsewhere(&home);
        there.scheduler.restore_as(&bytes, &Hosts::new()).unwrap();
        there.scheduler.send(Pid::NOBODY, pid, 5, number(0));
        there.await_left(0);
        let printed = home.output(pid).len() + there.output(pid).len();
        assert!(printed <= 200, "none twice: {printed}");
        let lost = home.scheduler.dead_letters();
        until("each is printed or a dead letter", || {
            home.scheduler.dead_letters() - lost + printed as u64 <= 200
        });
        assert_eq!(there.scheduler.dead_letters(), 0, "round {round}");
    }
}

#[test]
fn links_and_monitors_stay_as_they_are() {
    let home = Stage::new(PRINTER);
    let pid = home.start(&[]);
    let mut native = home.scheduler.spawn_native().unwrap();
    native.trap_exits(true);
    native.link(pid);
    native.monitor(pid);
    home.await_rest();
    let bytes = home.scheduler.take(pid, true).unwrap();
    assert_eq!(native.receive(None, Some(Duration::from_millis(50))), Ok(None), "it has not ended");

    // There it knows whom it is linked to, and monitored by: they are told where they live.
    let there = elsewhere(&home);
    there.scheduler.restore_as(&bytes, &Hosts::new()).unwrap();
    // The other node is out of reach in this test, so its link there is lost.
    until("it ends by its link", || !there.scheduler.is_alive(pid));
    assert_eq!(there.reasons(), [-3]);
}

#[test]
fn a_busy_process_is_taken_at_the_end_of_its_turn_and_one_without_fuel_where_it_waits() {
    let home = Stage::real(PRINTER, 1);
    let pid = home.start_at("spin", &[]);
    let bytes = home.scheduler.take(pid, false).unwrap();
    assert_eq!(home.scheduler.process_count(), 0);
    let there = elsewhere(&home);
    let missing = there.scheduler.restore_as(&bytes, &Hosts::new());
    assert!(matches!(missing, Err(RestoreError::MissingModule(_))), "{missing:?}");
    there.scheduler.add_program(&there.program);
    assert_eq!(there.scheduler.restore_as(&bytes, &Hosts::new()), Ok(pid));

    let poor = Stage::with(PRINTER, |config| config.fuel = 1000);
    let pid = poor.start_at("spin", &[]);
    until("the fuel is spent", || poor.scheduler.is_out_of_fuel());
    poor.scheduler.take(pid, true).unwrap();
    assert_eq!(poor.scheduler.process_count(), 0);
}

#[test]
fn what_cannot_be_taken_or_taken_in_is_refused_and_nothing_changes() {
    let home = Stage::new(PRINTER);
    let nobody = Pid::new(home.scheduler.node(), 77);
    assert_eq!(home.scheduler.take(nobody, true), Err(SaveError::NoProcess));
    assert_eq!(home.scheduler.take(Pid::new(9, 1), true), Err(SaveError::NoProcess));
    let native = home.scheduler.spawn_native().unwrap();
    assert_eq!(home.scheduler.take(native.pid(), true), Err(SaveError::NoProcess));
    drop(native);

    let pid = home.start(&[]);
    home.await_rest();
    let bytes = home.scheduler.take(pid, true).unwrap();
    assert_eq!(home.scheduler.restore_as(&bytes, &Hosts::new()), Err(RestoreError::AtHome(pid)));
    let there = elsewhere(&home);
    assert_eq!(there.scheduler.restore_as(&bytes, &Hosts::new()), Ok(pid));
    assert_eq!(there.scheduler.restore_as(&bytes, &Hosts::new()), Err(RestoreError::Lives(pid)));
    assert_eq!(there.scheduler.process_count(), 1);
}

#[test]
fn one_that_lives_elsewhere_is_saved_and_restored_with_the_others() {
    let home = Stage::new(PRINTER);
    let away = home.start(&[]);
    home.await_rest();
    let bytes = home.scheduler.take(away, true).unwrap();
    let there = elsewhere(&home);
    let local = there.start(&[]);
    there.await_rest();
    there.scheduler.restore_as(&bytes, &Hosts::new()).unwrap();
    there.await_rest();
    let all = there.scheduler.save_all(PATIENCE).unwrap();

    let again = elsewhere(&home);
    let restored = again.scheduler.restore_all(&all, &Hosts::new(), RestoreOptions::default());
    let mut pids = restored.unwrap().pids;
    pids.sort();
    assert_eq!(pids, [away, local]);
    for (pid, text) in [(away, 8), (local, 9)] {
        again.scheduler.send(Pid::NOBODY, pid, 5, number(text));
        again.scheduler.send(Pid::NOBODY, pid, 5, number(0));
    }
    again.await_left(0);
    assert_eq!((again.output(away), again.output(local)), ("8".into(), "9".into()));
}

/// Timers go by the slot of a process, not by its pid.
#[test]
fn a_sleeper_wakes_elsewhere() {
    let source = "load $0 #300\nsleep $0\nprti $0\nhlt";
    let home = Stage::real(source, 1);
    let pid = home.start(&[]);
    let bytes = home.scheduler.take(pid, true).unwrap();
    let there = Stage::of(program(source, &Hosts::new()), |config| {
        (config.node, config.time) = (home.scheduler.node() + 1, iridium_sched::Time::Real);
    });
    there.scheduler.restore_as(&bytes, &Hosts::new()).unwrap();
    there.await_left(0);
    assert_eq!(there.output(pid), "300");
}
