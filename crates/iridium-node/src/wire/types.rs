//! The form of types of other crates.

use iridium_isa::ModuleId;
use iridium_proto::{NodeAlias, NodeInfo};
use iridium_sched::supervisor::Supervision;
use iridium_sched::{Progress, Reason, RemoteRequest, Signal};
use iridium_vm::{
    Completion, Effect, Limits, Message, Payload, Pid, Register, SpawnKind, Start, TrapKind,
};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::form::{Received, Sent, Wire, fields, numbered, plain};

// Names and numbers that are one value each; those of the mesh have the mesh's form.
plain!(ModuleId, NodeAlias, NodeInfo, Pid, Reason);

/// Its number, as it is in exit reasons.
impl Wire for TrapKind {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.number().serialize(to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = i64::deserialize(from)?;
        let system = Self::ALL.iter().copied().find(|kind| kind.number() == number);
        let user = || u32::try_from(number.checked_sub(Self::User(0).number())?).ok();
        system.or_else(|| user().map(Self::User)).ok_or_else(|| {
            D::Error::custom(format_args!("there is no trap with the number {number}"))
        })
    }
}

numbered!(Payload {
    0 Word(word: [u8; 8]);
    1 Bytes(bytes: Box<[u8]>);
});

fields!(Message { tag: i64, sender: i64, payload: Payload });

fields!(Limits {
    heap: u64,
    stack: u64,
    call_depth: u64,
    registers: u64,
    messages: u64,
    message_bytes: u64,
    fuel: u64,
});

fields!(Register { int: i64, float: f64 });

fields!(Start { entry: u32, arguments: Box<[Register; Start::ARGUMENTS]> });

/// All of them, without a length.
impl Wire for [Register; Start::ARGUMENTS] {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.each_ref().map(Sent).serialize(to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let registers: [Received<Register>; Start::ARGUMENTS] = Deserialize::deserialize(from)?;
        Ok(registers.map(|Received(register)| register))
    }
}

numbered!(SpawnKind {
    0 Plain;
    1 At(node: i64);
    2 Linked;
    3 Monitored;
});

numbered!(Effect {
    0 SelfPid;
    1 Node;
    2 Spawn { kind: SpawnKind, start: Start };
    3 Send { to: i64, tag: i64, payload: Payload };
    4 Receive { tag: i64, timeout: i64 };
    5 Link { pid: i64 };
    6 Unlink { pid: i64 };
    7 Monitor { pid: i64 };
    8 Demonitor { reference: i64 };
    9 TrapExit { on: bool };
    10 Kill { pid: i64, reason: i64 };
    11 Register { name: String, pid: i64 };
    12 Unregister { name: String, pid: i64 };
    13 WhereIs { name: String };
    14 Nodes;
    15 NodeAt { position: i64 };
    16 MonitorNodes { on: bool };
    17 Sleep { milliseconds: i64 };
    18 Yield;
    19 Now;
    20 Mono;
    21 Random;
    22 Host { import: u16, window: u8 };
    23 MonitorReply { pid: i64, tag: i64 };
});

numbered!(Completion {
    0 Done;
    1 Value(value: i64);
    2 Pair(first: i64, second: i64);
    3 Found(found: Option<i64>);
    4 Received(message: Option<Message>);
    5 Failed(trap: TrapKind);
});

numbered!(Progress {
    0 Done(completion: Completion);
    1 Waits;
    2 Host { import: u16, window: u8 };
    3 Ended(reason: Reason);
});

numbered!(Signal {
    0 Message(message: Message);
    1 Link { from: Pid };
    2 Unlink { from: Pid };
    3 Exit { from: Pid, reason: Reason };
    4 Kill { from: Pid, reason: Reason };
    5 Monitor { from: Pid, reference: i64 };
    6 Demonitor { from: Pid, reference: i64 };
    7 Down { from: Pid, reference: i64, reason: Reason };
    8 NodeLost { node: u32 };
});

numbered!(RemoteRequest {
    0 Spawn { node: u32, module: ModuleId, start: Start, limits: Limits };
    1 WhereIs { name: String, alias: String };
});

numbered!(Supervision {
    0 Restarted { child: String, pid: Pid, reason: Reason };
    1 NotStarted { child: String, error: String };
    2 GaveUp { child: String, reason: Reason };
});

numbered!(Result<Pid, String> {
    0 Ok(pid: Pid);
    1 Err(why: String);
});
