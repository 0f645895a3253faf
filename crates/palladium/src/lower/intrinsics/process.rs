//! What processes ask the machine for.

use crate::core::Type;
use crate::core::protocol::name_of;
use crate::lower::code::{Code, Value};
use crate::mir::{Class, MachineOp, Reg, Terminator};

/// What says that a call is not understood.
const NOT_UNDERSTOOD: &[u8] = &[1];

impl Code<'_, '_> {
    pub(super) fn process_intrinsic(
        &mut self,
        name: &str,
        types: &[Type],
        args: &[Value],
    ) -> Value {
        let word = |n: usize| args[n][0];
        match name {
            "send_message" => {
                self.send_value(&types[0], word(0), &args[1]);
                Vec::new()
            }
            "send_reply" => {
                let (pid, tag) = (word(0), args[0][1]);
                self.send_in_order(pid, tag, &types[..1], &args[1..]);
                Vec::new()
            }
            "new_reply" => self.new_reply(),
            "monitor_until" => self.machine(MachineOp::MonitorUntil, &[word(0), args[1][1]], &[]),
            "receive_reply" => vec![self.receive_reply(args[0][1], word(1))],
            "forget_reply" => self.machine(MachineOp::Demonitor, &[args[0][1]], &[]),
            "message_value" => self.message_value(&types[0], word(0)),
            "message_word" => vec![self.message_cell(0)],
            "asker" => self.asker(word(0)),
            "refuse" => {
                let text = self.text(NOT_UNDERSTOOD);
                let [address, length] = self.bytes_of(text);
                self.machine(MachineOp::Send, &[word(0), word(1), address, length], &[])
            }
            "inbox_name" => vec![self.text(name_of(self.context.program, &types[0]).as_bytes())],
            "exit_with" => {
                self.end(Terminator::Exit { code: word(0) });
                Vec::new()
            }
            // A type for another: pid_of, number_of, node_of, number.
            _ => match operation(name) {
                Some((op, results)) => self.on_numbers(op, args, results),
                None => args[0].clone(),
            },
        }
    }

    /// Operations on numbers, and on the text of a name.
    fn on_numbers(&mut self, op: MachineOp, args: &[Value], results: usize) -> Value {
        let mut given: Vec<Reg> = Vec::new();
        for value in args {
            match self.class(value[0]) {
                Class::Ptr(_) => given.extend(self.bytes_of(value[0])),
                _ => given.extend(value),
            }
        }
        self.machine(op, &given, &vec![Class::Int; results])
    }

    /// The length of the answer, -1 when there is none in time.
    fn receive_reply(&mut self, tag: Reg, ms: Reg) -> Reg {
        let came = self.machine(MachineOp::ReceiveWithin, &[tag, ms], &[Class::Int; 4]);
        let length = self.variable(&Type::Int);
        let (here, late, after) = (self.block(), self.block(), self.block());
        let zero = crate::mir::Operand::Imm(0);
        self.branch(crate::mir::Compare::Ne, came[0], zero, here, late);
        self.at(here);
        self.copy_to(&length, &came[3..]);
        self.jump(after);
        self.at(late);
        let none = self.int(-1);
        self.copy_to(&length, &[none]);
        self.jump(after);
        self.at(after);
        length[0]
    }
}

fn operation(name: &str) -> Option<(MachineOp, usize)> {
    Some(match name {
        "own_pid" => (MachineOp::OwnPid, 1),
        "trap_exits" => (MachineOp::TrapExits, 0),
        "monitor_pid" => (MachineOp::Monitor, 1),
        "demonitor_reference" => (MachineOp::Demonitor, 0),
        "link_pid" => (MachineOp::Link, 0),
        "unlink_pid" => (MachineOp::Unlink, 0),
        "kill_pid" => (MachineOp::Kill, 0),
        "register_text" => (MachineOp::Register, 0),
        "unregister_text" => (MachineOp::Unregister, 0),
        "whereis_text" => (MachineOp::Whereis, 1),
        "own_node" => (MachineOp::OwnNode, 1),
        "node_count" => (MachineOp::Nodes, 1),
        "node_at" => (MachineOp::NodeAt, 1),
        "tell_of_nodes" => (MachineOp::MonitorNodes, 0),
        _ => return None,
    })
}
