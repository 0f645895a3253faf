//! Lies of the liar's processes, of which there are none, to those of the node.

use std::error::Error;
use std::thread;
use std::time::Duration;

use iridium_asm::Assembler;
use iridium_isa::Module;
use iridium_proto::{IridiumMessage, to_bytes};
use iridium_vm::{Pid, Start};

use crate::half::{each, links_of};
use crate::link::{Link, Manner, liar};
use crate::wire::Door;

/// The processes that are lied to are registered under these names.
pub(crate) const VICTIMS: [&str; 4] = ["victim", "victim1", "victim2", "victim3"];
/// The kinds of what nodes tell each other, and of some signals; those of the format's fixtures.
const SIGNAL: u32 = 0;
pub(crate) const REQUEST: u32 = 1;
const CODE_WANTED: u32 = 3;
const CODE: u32 = 4;
pub(crate) const QUERY: u32 = 5;
const LINK: u32 = 1;
const EXIT: u32 = 3;
const MONITOR: u32 = 5;
/// The queries of an operator.
pub(crate) const PROCESSES: u32 = 0;
pub(crate) const WHERE_IS: u32 = 3;
/// The data of a long module: little less than a message may have.
const LONG: usize = 15 << 20;
/// How many long modules a node is given; every fourth is refused.
const MODULES: u64 = 8;
/// How much higher the number is of the one that it is given instead.
const OTHER: u64 = 1000;
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
    let said = tie(&link, count)?;
    link.stay(stay);
    Ok(said)
}

/// The same of one member. Gives how many it has said.
pub(crate) fn tie(link: &Link, count: u64) -> Result<u64, Box<dyn Error>> {
    let victims = VICTIMS.iter().map(|name| victim(link, name)).collect::<Result<Vec<_>, _>>()?;
    Ok(say(link, count, |number| {
        let from = Pid::new(link.me, number + 1);
        let victim = victims[number as usize / 2 % victims.len()];
        match number % 2 {
            0 => node_message(&(SIGNAL, from, victim, MONITOR, from, number as i64 + 1)),
            _ => node_message(&(SIGNAL, from, victim, LINK, from)),
        }
    }))
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
    let (_links, said) = links_of(
        to,
        count,
        |_| manner,
        |link| {
            let (from, ended) = (Pid::new(link.me, 1), Pid::new(link.peer.number.number(), GONE));
            let watch =
                |number| node_message(&(SIGNAL, from, ended, MONITOR, from, number as i64 + 1));
            let watches = (0..watches).map_while(|number| watch(number).ok());
            link.say(watches.map(IridiumMessage::Signal)) > 0
        },
    )?;
    thread::sleep(stay);
    Ok(said)
}

/// So many members are sent long messages by programs that they have started, and have all of them wait.
/// It is an error if no link is closed.
pub(crate) fn puts_off(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let source =
        "main: load $3 #262144\naloc $3\nload $2 #0\nagain: send $0 $1 $2\nbreq $2 $2 @again";
    let module = assembled(source)?;
    let wanted = to_bytes(&(CODE_WANTED, module.id()))?;
    let code = node_message(&(CODE, module.id(), Some(module.to_bytes())))?;
    let (links, said) = links_of(
        to,
        count,
        |_| Manner::PutsOff,
        |link| {
            let Ok(request) = spawn(link, 0, module.id().0) else { return false };
            link.signal(std::iter::once(request));
            // The first is asked for the code, all others are told the pid at once.
            match link.data.recv_timeout(PATIENCE) {
                Ok(heard) if heard.starts_with(&wanted) => {
                    link.signal(std::iter::once(code.clone())) == 1
                }
                heard => heard.is_ok(),
            }
        },
    )?;
    thread::sleep(stay);
    match links.iter().any(Link::is_over) {
        true => Ok(said),
        false => Err(format!("all {said} are still linked").into()),
    }
}

/// Processes of ever other modules, which nobody has.
pub(crate) fn spawns(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let link = Link::open(to, liar()?)?;
    said(&link, count, stay, |number| spawn(&link, number, module(number)))
}

/// Wants a process of a module, which is told the pid of the one that wants it.
fn spawn(link: &Link, number: u64, module: [u8; 32]) -> Result<Vec<u8>, Box<dyn Error>> {
    let (me, node) = (Pid::new(link.me, 1), link.peer.number.number());
    let mut registers = [(0_i64, 0_f64); Start::ARGUMENTS];
    registers[0].0 = me.bits();
    let spawn = (0_u32, node, module, (0_u32, registers), [u64::MAX; 7]);
    node_message(&(REQUEST, me, number, spawn))
}

/// Wants the code of ever other modules.
pub(crate) fn codes_wanted(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let link = Link::open(to, liar()?)?;
    said(&link, count, stay, |number| node_message(&(CODE_WANTED, module(number))))
}

/// Processes of modules as long as they may be, with their code; every fourth brings that of another.
pub(crate) fn codes(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let link = Link::open(to, liar()?)?;
    for number in 0..count {
        if !offer(&link, number, 0)? {
            return Ok(number);
        }
    }
    link.stay(stay);
    Ok(count)
}

/// Wants a process of such a module, and so many of modules that nobody has; gives the node the code of
/// the one, or of another in its place. Answers whether the link is still there.
pub(crate) fn offer(link: &Link, number: u64, others: u64) -> Result<bool, Box<dyn Error>> {
    let long = long_module(number)?;
    let id = long.id();
    let first = std::iter::once(spawn(link, number, id.0)?);
    let me = u64::from(link.me) << 32;
    let others = (0..others).map_while(|other| spawn(link, other, module(me + other)).ok());
    link.signal(first.chain(others));
    let wanted = to_bytes(&(CODE_WANTED, id))?;
    while !link.data.recv_timeout(PATIENCE)?.starts_with(&wanted) {}
    let sent = if number % 4 == 3 { long_module(number + OTHER)? } else { long };
    Ok(link.signal_in_pieces(node_message(&(CODE, id, Some(sent.to_bytes())))?))
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
pub(crate) fn module(number: u64) -> [u8; 32] {
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
    let said = say(link, count, lie);
    link.stay(stay);
    Ok(said)
}

/// Says a lie so many times to the processes and other parts of the node. Gives how often it could.
pub(crate) fn say(
    link: &Link,
    count: u64,
    lie: impl Fn(u64) -> Result<Vec<u8>, Box<dyn Error>>,
) -> u64 {
    link.signal((0..count).map_while(|number| lie(number).ok()))
}

/// What nodes tell each other apart from messages: what it is, then that it is such.
pub(crate) fn node_message(content: &impl serde::Serialize) -> Result<Vec<u8>, Box<dyn Error>> {
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
