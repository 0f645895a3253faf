//! Lies of the liar's processes, of which there are none, to those of the node.

use std::error::Error;
use std::thread;
use std::time::Duration;

use iridium_asm::Assembler;
use iridium_isa::Module;
use iridium_proto::{IridiumMessage, to_bytes};
use iridium_vm::{Pid, Start};

use crate::half::{NUMBERS, each, links_of};
use crate::link::{Link, Manner, liar};
use crate::wire::Door;

/// The processes that are lied to are registered under these names.
const VICTIMS: [&str; 4] = ["victim", "victim1", "victim2", "victim3"];
/// The kinds of what nodes tell each other, and of some signals; those of the format's fixtures.
const SIGNAL: u32 = 0;
const REQUEST: u32 = 1;
const CODE_WANTED: u32 = 3;
const CODE: u32 = 4;
const QUERY: u32 = 5;
const LINK: u32 = 1;
const EXIT: u32 = 3;
const MONITOR: u32 = 5;
/// The queries of an operator.
const PROCESSES: u32 = 0;
const WHERE_IS: u32 = 3;
/// The data of a long module: little less than a message may have.
const LONG: usize = 15 << 20;
/// How many long modules a node is given; every fourth is refused.
const MODULES: u64 = 8;
/// How many processes one watches that reads nothing, and the number of each, which no process has.
const WATCHES: u64 = 130_000;
const GONE: u64 = 1 << 30;
/// How long a node may take for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The reason of those who were killed.
const KILLED: i64 = -1;

/// Links and monitors of ever other processes, with several.
pub(crate) fn ties(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let link = Link::open(to, liar()?)?;
    let victims = VICTIMS.iter().map(|name| victim(&link, name)).collect::<Result<Vec<_>, _>>()?;
    let me = liar()?.id.number.number();
    said(&link, count, stay, |number| {
        let from = Pid::new(me, number + 1);
        let victim = victims[number as usize / 2 % victims.len()];
        match number % 2 {
            0 => node_message(&(SIGNAL, from, victim, MONITOR, from, number as i64 + 1)),
            _ => node_message(&(SIGNAL, from, victim, LINK, from)),
        }
    })
}

/// Ends of processes of the node itself, which only it can tell of.
pub(crate) fn forged(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let link = Link::open(to, liar()?)?;
    let victim = victim(&link, VICTIMS[0])?;
    said(&link, count, stay, |number| {
        let from = Pid::new(victim.node(), number + 1);
        node_message(&(SIGNAL, from, victim, EXIT, from, KILLED))
    })
}

/// What means nothing.
pub(crate) fn garbage(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let link = Link::open(to, liar()?)?;
    said(&link, count, stay, |number| match number % 4 {
        0 => Ok(vec![7; 40]),
        1 => node_message(&(SIGNAL, 99_u32)),
        2 => node_message(&(QUERY, number, 99_u32)),
        _ => node_message(&(1000 + number as u32, 99_u32)),
    })
}

/// Questions of operators, of which most have long answers.
pub(crate) fn queries(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let link = Link::open(to, liar()?)?;
    said(&link, count, stay, |number| node_message(&(QUERY, number, PROCESSES)))
}

/// So many members watch processes that have ended long ago, each of which they are told, and read
/// nothing of that.
pub(crate) fn deaf(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    watches(to, count, stay, Manner::Deaf)
}

/// As those, but they say that they are alive.
pub(crate) fn absent(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    watches(to, count, stay, Manner::Absent)
}

/// As those, but they read all of it, and give no credit.
pub(crate) fn mean(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    watches(to, count, stay, Manner::Mean)
}

fn watches(to: &Door, count: u64, stay: Duration, manner: Manner) -> Result<u64, Box<dyn Error>> {
    // Who reads has to use up the credit of the node first.
    let watches = if manner == Manner::Mean { 2 * WATCHES } else { WATCHES };
    let mut members = NUMBERS..;
    let (_links, said) = links_of(to, count, manner, |link| {
        let Some(me) = members.next() else { return false };
        let (from, ended) = (Pid::new(me, 1), Pid::new(link.peer.number.number(), GONE));
        let watch = |number| node_message(&(SIGNAL, from, ended, MONITOR, from, number as i64 + 1));
        let watches = (0..watches).map_while(|number| watch(number).ok());
        link.say(watches.map(IridiumMessage::Signal)) > 0
    })?;
    thread::sleep(stay);
    Ok(said)
}

/// So many members are sent long messages by programs that they have started, and have all of them wait.
/// It is an error if no link is closed.
pub(crate) fn puts_off(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let source =
        "main: load $3 #262144\naloc $3\nload $2 #0\nagain: send $0 $1 $2\nbreq $2 $2 @again";
    let module = assembled(source)?;
    let (wanted, mut members) = (to_bytes(&(CODE_WANTED, module.id()))?, NUMBERS..);
    let code = node_message(&(CODE, module.id(), Some(module.to_bytes())))?;
    let (links, said) = links_of(to, count, Manner::PutsOff, |link| {
        let Some(me) = members.next() else { return false };
        let (me, node) = (Pid::new(me, 1), link.peer.number.number());
        let mut registers = [(0_i64, 0_f64); Start::ARGUMENTS];
        registers[0].0 = me.bits();
        let spawn = (0_u32, node, module.id(), (0_u32, registers), [u64::MAX; 7]);
        let Ok(request) = node_message(&(REQUEST, me, 0_u64, spawn)) else { return false };
        link.signal(std::iter::once(request));
        // The first is asked for the code, all others are told the pid at once.
        match link.data.recv_timeout(PATIENCE) {
            Ok(heard) if heard.starts_with(&wanted) => {
                link.signal(std::iter::once(code.clone())) == 1
            }
            heard => heard.is_ok(),
        }
    })?;
    thread::sleep(stay);
    match links.iter().any(Link::is_over) {
        true => Ok(said),
        false => Err(format!("all {said} are still linked").into()),
    }
}

/// Processes of ever other modules, which nobody has.
pub(crate) fn spawns(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let link = Link::open(to, liar()?)?;
    let from = Pid::new(liar()?.id.number.number(), 1);
    let node = link.peer.number.number();
    said(&link, count, stay, |number| {
        let registers = [(0_i64, 0_f64); Start::ARGUMENTS];
        let limits = [u64::MAX; 7];
        let spawn = (0_u32, node, module(number), (0_u32, registers), limits);
        node_message(&(REQUEST, from, number, spawn))
    })
}

/// Wants the code of ever other modules.
pub(crate) fn codes_wanted(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let link = Link::open(to, liar()?)?;
    said(&link, count, stay, |number| node_message(&(CODE_WANTED, module(number))))
}

/// Processes of modules as long as they may be, with their code; every fourth brings that of another.
pub(crate) fn codes(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let link = Link::open(to, liar()?)?;
    let from = Pid::new(liar()?.id.number.number(), 1);
    let node = link.peer.number.number();
    let mut said = 0;
    for number in 0..count {
        let module = long_module(number)?;
        let (id, file) = (module.id(), module.to_bytes());
        let registers = [(0_i64, 0_f64); Start::ARGUMENTS];
        let spawn = (0_u32, node, id, (0_u32, registers), [u64::MAX; 7]);
        link.signal(std::iter::once(node_message(&(REQUEST, from, number, spawn))?));
        let wanted = to_bytes(&(CODE_WANTED, id))?;
        while !link.data.recv_timeout(PATIENCE)?.starts_with(&wanted) {}
        let file = if number % 4 == 3 { long_module(number + count)?.to_bytes() } else { file };
        if !link.signal_in_pieces(node_message(&(CODE, id, Some(file)))?) {
            return Ok(said);
        }
        said += 1;
    }
    link.stay(stay);
    Ok(said)
}

/// So many members want the code of long modules, which the node was given before, and take none.
pub(crate) fn codes_untaken(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    codes(to, MODULES, Duration::ZERO)?;
    let known = (0..MODULES).filter(|number| number % 4 != 3);
    let wanted = known.map(|number| node_message(&(CODE_WANTED, long_module(number)?.id())));
    let wanted = wanted.collect::<Result<Vec<_>, _>>()?;
    let mut wanted = wanted.iter().cycle();
    // The node asks for room, and has no answer.
    each(to, count, stay, |link| link.signal(wanted.by_ref().take(1).cloned()) == 1)
}

fn long_module(number: u64) -> Result<Module, Box<dyn Error>> {
    let source = format!(".data\nmuch: .zero #{LONG}\n.code\nload $0 #{number}\nhlt");
    assembled(&source)
}

fn assembled(source: &str) -> Result<Module, Box<dyn Error>> {
    let assembled = Assembler::new("liar.iasm").assemble(source);
    Ok(assembled.map_err(|diagnostics| diagnostics.render(false))?.module)
}

/// An identity that no module has.
fn module(number: u64) -> [u8; 32] {
    let mut id = [0xEE; 32];
    let (start, _) = id.split_at_mut(8);
    start.copy_from_slice(&number.to_le_bytes());
    id
}

fn said(
    link: &Link,
    count: u64,
    stay: Duration,
    lie: impl Fn(u64) -> Result<Vec<u8>, Box<dyn Error>>,
) -> Result<u64, Box<dyn Error>> {
    let said = link.signal((0..count).map_while(|number| lie(number).ok()));
    link.stay(stay);
    Ok(said)
}

/// What nodes tell each other apart from messages: what it is, then that it is such.
fn node_message(content: &impl serde::Serialize) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut bytes = to_bytes(content)?;
    bytes.push(1);
    Ok(bytes)
}

/// Asks which process it is.
fn victim(link: &Link, name: &str) -> Result<Pid, Box<dyn Error>> {
    let number = 1_u64;
    let question = node_message(&(QUERY, number, WHERE_IS, name))?;
    link.signal(std::iter::once(question));
    let found = to_bytes(&(6_u32, number, 3_u32, 1_u8))?;
    loop {
        let heard = link.data.recv_timeout(PATIENCE)?;
        let pid = heard.strip_prefix(found.as_slice()).and_then(|pid| pid.first_chunk());
        if let Some(pid) = pid {
            return Ok(Pid::from_bits(i64::from_le_bytes(*pid)));
        }
    }
}
