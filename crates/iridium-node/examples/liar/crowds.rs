//! Crowds of members, and of clients of operators, each of which wants as much as it may.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use iridium_proto::{ControlRequest, IridiumMessage, MAX_FRAME_ADMITTED, to_bytes};
use iridium_vm::Pid;

use crate::half::{client, links_of};
use crate::link::{Link, Manner, frame};
use crate::processes::{
    PROCESSES, QUERY, REQUEST, VICTIMS, WHERE_IS, module, node_message, offer, say, tie,
};
use crate::wire::Door;

/// What each member of a crowd wants: links and monitors, answers, and processes of modules that nobody has.
const TIES: u64 = 50_000;
const QUESTIONS: u64 = 20_000;
const SPAWNS: u64 = 10_000;
/// More queries of operators, and their calls.
const LOAD: u32 = 1;
const CALL_PROCESSES: u32 = 0;
const CALL_SPAWN: u32 = 3;
/// An answer to an operator, and about as many processes as fit into one that is as long as it may be.
const RESPONSE: u32 = 6;
const ROWS: u64 = 63_000;
/// The members that answer so.
const LISTERS: u64 = 6;
/// A block of a client is shorter than its frame by its kind.
const LONGEST: usize = MAX_FRAME_ADMITTED - 1;
/// How long after one slow client the next one comes, and how long each pauses between two records that it
/// reads.
const NEXT: Duration = Duration::from_millis(300);
const SLOW: Duration = Duration::from_secs(2);
/// How long a member waits for the next question.
const PATIENCE: Duration = Duration::from_secs(10);

/// So many members that link and monitor the same processes.
pub(crate) fn ties(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    crowd(to, count, stay, |_| Manner::Fair, |link| tie(link, TIES).unwrap_or(0))
}

/// So many that ask all that can be asked. Half of them read no answers.
pub(crate) fn asks(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let manner = |number| if number % 2 == 0 { Manner::Fair } else { Manner::Absent };
    crowd(to, count, stay, manner, |link| {
        say(link, QUESTIONS, |number| match number % 4 {
            0 => node_message(&(QUERY, number, PROCESSES)),
            1 => node_message(&(QUERY, number, LOAD)),
            2 => node_message(&(QUERY, number, WHERE_IS, VICTIMS[0])),
            _ => node_message(&(REQUEST, Pid::new(link.me, 1), number, (1_u32, VICTIMS[0], ""))),
        })
    })
}

/// So many that want processes of modules that nobody has, and offer a long module each.
pub(crate) fn spawns(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    crowd(
        to,
        count,
        stay,
        |_| Manner::Fair,
        |link| u64::from(offer(link, u64::from(link.me), SPAWNS).unwrap_or(false)),
    )
}

/// So many members that say something at the same time, and stay. Gives how often they could.
fn crowd(
    to: &Door,
    count: u64,
    stay: Duration,
    manner: impl Fn(u64) -> Manner,
    lie: impl Fn(&Link) -> u64 + Sync,
) -> Result<u64, Box<dyn Error>> {
    let (mut links, _) = links_of(to, count, manner, |_| true)?;
    let lie = &lie;
    let said = thread::scope(|scope| {
        let lies: Vec<_> = links.iter_mut().map(|link| scope.spawn(move || lie(link))).collect();
        lies.into_iter().map(|lie| lie.join().unwrap_or(0)).sum()
    });
    thread::sleep(stay);
    match said {
        0 => Err("nothing could be said".into()),
        said => Ok(said),
    }
}

/// So many clients want a process and send a part of its code, which is as long as a block may be.
pub(crate) fn blocks(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let block = frame(&IridiumMessage::ControlData(vec![7; LONGEST]))?;
    let (part, nobody) = (&block[..block.len() - 64], None::<String>);
    let arguments = Vec::<(i64, f64)>::new();
    let order = (module(0), None::<u32>, arguments, [u64::MAX; 7], &nobody, &nobody, false);
    let call = to_bytes(&(CALL_SPAWN, order))?;
    let clients = (0..count).map(|_| client(to, ControlRequest::Application(call.clone())));
    let mut clients = clients.collect::<Result<Vec<_>, _>>()?;
    thread::scope(|scope| {
        for (mouth, _) in &mut clients {
            // Most have to wait with it.
            scope.spawn(move || mouth.write(part).is_ok());
        }
    });
    thread::sleep(stay);
    Ok(count)
}

/// So many clients ask for the processes of all nodes, one after the other, and read their answers slowly.
/// Some members answer with lists as long as may be.
pub(crate) fn readers(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let (mut listers, _) = links_of(to, LISTERS, |_| Manner::Fair, |_| true)?;
    let (call, end) = (to_bytes(&(CALL_PROCESSES, true))?, Instant::now() + stay);
    thread::scope(|scope| {
        for link in &mut listers {
            scope.spawn(move || while Instant::now() < end && list(link).is_some() {});
        }
        for _ in 0..count {
            let (mouth, mut ear) = client(to, ControlRequest::Application(call.clone()))?;
            scope.spawn(move || {
                while Instant::now() < end && ear.read().is_ok() {
                    thread::sleep(SLOW);
                }
                mouth.close();
            });
            thread::sleep(NEXT);
        }
        Ok(count)
    })
}

/// Answers the next question for a list. `None` when the link is closed, or nobody asks any more.
fn list(link: &Link) -> Option<()> {
    let asked = link.data.recv_timeout(PATIENCE).ok()?;
    let question = asked.strip_prefix(&QUERY.to_le_bytes()).and_then(|rest| rest.first_chunk());
    let Some(number) = question.map(|number| u64::from_le_bytes(*number)) else { return Some(()) };
    let nothing = None::<String>;
    let row = |process| {
        (Pid::new(link.me, process), Vec::<String>::new(), &nothing, "", &nothing, [0_u64; 5])
    };
    let rows: Vec<_> = (1..=ROWS).map(row).collect();
    let answer = node_message(&(RESPONSE, number, PROCESSES, rows, 0_u64)).ok()?;
    link.signal_in_pieces(answer).then_some(())
}
