//! A node and members or clients of another build, which have more to say than the node knows: what
//! both know works, what one does not know is answered, and nothing is misread.

use iridium_isa::ModuleId;
use iridium_net::{ControlClient, Manager, Security};
use iridium_node::control::Client;
use iridium_proto::{from_bytes, to_bytes};
use iridium_vm::Pid;
use serde::Serialize;

use crate::harness::{Lab, PATIENCE, alias, assemble, end_of, member, start};

/// A number that no message, request, query or call has yet.
const LATER: u32 = 1000;
/// Numbers of messages between nodes.
const REQUEST: u32 = 1;
const REPLY: u32 = 2;
const CODE_WANTED: u32 = 3;

/// A member of the mesh that a test speaks for.
struct Later {
    member: Manager,
    me: u32,
}

impl Later {
    fn join(lab: &Lab) -> Self {
        let member = member(lab, "later");
        let me = member.me().0.number.number();
        Self { member, me }
    }

    fn asker(&self) -> Pid {
        Pid::new(self.me, 1)
    }

    /// Says what nodes say apart from messages between processes.
    fn say(&self, message: &impl Serialize) {
        self.say_bytes(to_bytes(message).unwrap());
    }

    fn say_bytes(&self, message: Vec<u8>) {
        self.member.send(&alias("a"), [message, vec![1]].concat()).unwrap();
    }

    /// What the node says next.
    fn hear(&self) -> Vec<u8> {
        let mut bytes = self.member.messages().recv_timeout(PATIENCE).unwrap().bytes;
        assert_eq!(bytes.pop(), Some(1), "a node message");
        bytes
    }

    /// Waits until the node has seen to all that was said before, and asserts that it answers as
    /// always.
    fn is_understood(&self, name: &str, pid: Option<Pid>) {
        let where_is = (1_u32, name, "a");
        self.say(&(REQUEST, self.asker(), 77_u64, where_is));
        let found = (3_u32, pid.map(Pid::bits));
        assert_eq!(self.hear(), to_bytes(&(REPLY, self.asker(), 77_u64, found)).unwrap());
    }
}

/// A process that waits for a message with the tag 5 and ends with the number in it.
fn receiver(lab: &Lab) -> (Pid, crossbeam_channel::Receiver<iridium_sched::ExitInfo>) {
    let module = assemble("main: load $2 #5\nload $3 #-1\nrecv $2 $4\nmsgi $0\nexit $0");
    let (pid, exit) = lab.spawn(&module, "main", &[]);
    assert!(lab.node.scheduler().register("receiver", pid));
    (pid, exit)
}

#[test]
fn a_message_that_the_node_does_not_know_is_skipped_and_the_others_are_read() {
    let lab = start("a");
    let (pid, exit) = receiver(&lab);
    let later = Later::join(&lab);
    for more in 0..3_u32 {
        later.say(&(LATER + more, "whatever a later build has to say"));
    }
    later.is_understood("receiver", Some(pid));
    // A message between processes.
    let tail = [later.asker().bits(), pid.bits(), 5].map(i64::to_le_bytes).concat();
    let bytes = [&9_i64.to_le_bytes()[..], &tail, &[0]].concat();
    later.member.send(&alias("a"), bytes).unwrap();
    assert_eq!(end_of(&exit), 9);
}

#[test]
fn a_signal_that_the_node_does_not_know_or_that_has_grown_does_nothing() {
    let lab = start("a");
    let (pid, _exit) = receiver(&lab);
    let later = Later::join(&lab);
    let (signal, kill) = (0_u32, 4_u32);
    later.say(&(signal, later.asker(), pid, LATER, later.asker()));
    // With a field more than a kill has: it may mean that this one is not to be killed.
    later.say(&(signal, later.asker(), pid, (kill, later.asker(), -1_i64, true)));
    // Cut off within its reason.
    later.say(&(signal, later.asker(), pid, (kill, later.asker(), -1_i32)));
    later.is_understood("receiver", Some(pid));
    assert!(lab.node.scheduler().is_alive(pid));
}

#[test]
fn a_request_of_a_process_that_the_node_does_not_know_is_answered_so() {
    let lab = start("a");
    let later = Later::join(&lab);
    let not_understood = |number: u64| to_bytes(&(7_u32, later.asker(), number)).unwrap();
    later.say(&(REQUEST, later.asker(), 1_u64, LATER, "what"));
    assert_eq!(later.hear(), not_understood(1));
    // With a field more than a look-up has.
    later.say(&(REQUEST, later.asker(), 2_u64, (1_u32, "receiver", "a", true)));
    assert_eq!(later.hear(), not_understood(2));
    later.is_understood("nobody", None);
}

#[test]
fn a_query_of_an_operator_that_the_node_does_not_know_is_answered_so() {
    let lab = start("a");
    let later = Later::join(&lab);
    let (query, response, load, not_understood) = (5_u32, 6_u32, 1_u32, 4_u32);
    for (number, query) in [
        (1_u64, to_bytes(&(query, 1_u64, LATER, "what")).unwrap()),
        (2, to_bytes(&(query, 2_u64, load, true)).unwrap()),
    ] {
        later.say_bytes(query);
        assert_eq!(later.hear(), to_bytes(&(response, number, not_understood)).unwrap());
    }
    later.is_understood("nobody", None);
}

#[test]
fn what_the_other_build_does_not_understand_ends_the_wait_of_the_one_who_asked() {
    let lab = start("a");
    let later = Later::join(&lab);
    // A process wants to know a pid, and gets that there is none.
    let module = assemble(
        "
        .data
        name:   .asciiz 'x@later'
        .code
        main:   whereis @name $1
                djmpe @found
                load $2 #5
                exit $2
        found:  load $2 #6
                exit $2
        ",
    );
    let (pid, exit) = lab.spawn(&module, "main", &[]);
    let asked = later.hear();
    let (kind, asker, number): (u32, Pid, u64) = from_bytes(&asked[..20]).unwrap();
    assert_eq!((kind, asker), (REQUEST, pid));
    // An answer that this build does not know is not taken for one that it does.
    later.say(&(REPLY, asker, number, LATER, 4_u64));
    later.say(&(7_u32, asker, number));
    assert_eq!(end_of(&exit), 5);
    // So does an operator.
    let on = alias("later");
    let node = lab.node.clone();
    let finder = std::thread::spawn(move || node.find("x", Some(&on)));
    let asked = later.hear();
    let (_, number): (u32, u64) = from_bytes(&asked[..12]).unwrap();
    later.say(&(6_u32, number, 4_u32));
    let error = finder.join().unwrap().unwrap_err();
    assert!(error.to_string().contains("does not understand"), "{error}");
}

#[test]
fn a_module_with_an_instruction_that_the_node_does_not_know_starts_nothing() {
    let lab = start("a");
    let later = Later::join(&lab);
    let good = assemble("main: load $0 #77777\nhlt");
    // What the other build has made of it: an instruction that begins with another opcode.
    let mut file = good.to_bytes();
    let constant = 77777_u32.to_le_bytes();
    let at = file.windows(4).position(|bytes| bytes == constant).unwrap();
    file[at - 4..at].fill(0xFE);
    let module = ModuleId([7; 32]);
    let limits = [u64::MAX; 7];
    let start = (0_u32, [(0_i64, 0.0_f64); 8]);
    later.say(&(5_u32, 1_u64, 2_u32, module, start, limits, None::<String>));
    assert_eq!(later.hear(), to_bytes(&(CODE_WANTED, module)).unwrap());
    later.say(&(4_u32, module, Some(file)));
    let answer = later.hear();
    let (kind, number, spawned, outcome, why): (u32, u64, u32, u32, String) =
        from_bytes(&answer).unwrap();
    assert_eq!((kind, number, spawned, outcome), (6, 1, 2, 1), "not spawned: {why}");
    assert!(why.contains("its code did not come"), "{why}");
    assert_eq!(lab.node.scheduler().process_count(), 0);
    later.is_understood("nobody", None);
}

#[test]
fn a_call_of_a_client_that_the_node_does_not_know_is_answered_so() {
    let lab = start("a");
    let at = lab.node.manager().local_addr().into();
    let connect = || ControlClient::connect(&at, &Security::Insecure, PATIENCE).unwrap();
    let not_understood = 11_u32.to_le_bytes();
    for call in [
        to_bytes(&(LATER, "what")).unwrap(),
        // With a field more than the list of processes has.
        to_bytes(&(0_u32, true, 5_u32)).unwrap(),
    ] {
        let mut client = connect();
        assert_eq!(client.ask(call).unwrap(), not_understood);
        // On the same connection.
        assert!(client.ask(to_bytes(&1_u32).unwrap()).unwrap().starts_with(&[1, 0, 0, 0]));
    }
    // Nor does one that drives a process lose it.
    let mut stream = connect().open(to_bytes(&7_u32).unwrap()).unwrap();
    let deadline = std::time::Instant::now() + PATIENCE;
    assert!(stream.receive(deadline).unwrap().unwrap().starts_with(&[8, 0, 0, 0]));
    stream.send(&to_bytes(&(LATER, "what")).unwrap()).unwrap();
    assert_eq!(stream.receive(deadline).unwrap().unwrap(), not_understood);
    let give_up = to_bytes(&2_u32).unwrap();
    stream.send(&give_up).unwrap();
    let completion_done = to_bytes(&(10_u32, 0_u32)).unwrap();
    assert_eq!(stream.receive(deadline).unwrap().unwrap(), completion_done);
    drop(stream);
    assert!(Client::connect(&at, &Security::Insecure, PATIENCE).unwrap().loads().is_ok());
}

#[test]
fn messages_of_both_builds_meet_in_one_mailbox() {
    let lab = start("a");
    let (pid, exit) = receiver(&lab);
    let later = Later::join(&lab);
    // The other build sends the message as a signal, with a payload of a kind of its own first.
    let (signal, kind) = (0_u32, 0_u32);
    let sender = later.asker();
    later.say(&(signal, sender, pid, kind, 5_i64, sender, LATER, 1_u8));
    later.say(&(signal, sender, pid, kind, 5_i64, sender, 0_u32, 8_i64));
    assert_eq!(end_of(&exit), 8);
}
