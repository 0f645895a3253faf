//! Trees of supervisors as they are saved: a list.
//!
//! A decoder of nested trees calls itself for each level, so that a few bytes a level would have it
//! run out of stack, which ends the node. Here each entry names the supervisor that it is a child of
//! by its index in the list of supervisors, the top one being 0, and the depth of trees is limited.

use std::collections::VecDeque;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::spec::{Child, ChildBody, Entry, MAX_DEPTH, Restart, Shutdown, Spec, Strategy};
use iridium_isa::protocol::FirstMessage;
use iridium_isa::{DebugId, ModuleId};
use iridium_vm::codec::numbered;
use iridium_vm::{Limits, Register};

/// A tree of supervisors as a list.
#[derive(Clone, Serialize, Deserialize)]
struct Flat {
    top: Node,
    /// Every child comes behind the supervisor that it is a child of, and behind its elder siblings.
    children: Vec<FlatChild>,
}

/// A supervisor without its children.
#[derive(Clone, Serialize, Deserialize)]
struct Node {
    strategy: Strategy,
    restarts: u32,
    within_ms: u64,
}

#[derive(Clone, Serialize, Deserialize)]
struct FlatChild {
    /// Which supervisor it is a child of.
    parent: u32,
    name: String,
    registered: Option<String>,
    restart: Restart,
    /// 0: it is killed at once; `u64::MAX`: it is never killed.
    shutdown_ms: u64,
    body: FlatBody,
}

numbered! {
    #[derive(Clone)]
    enum FlatBody {
        0 = Program { module: ModuleId, entry: Option<String>, arguments: Vec<Register>, limits: Limits },
        1 = Supervisor(Node),
        2 = ProgramAs {
            module: ModuleId,
            debug: DebugId,
            entry: Option<String>,
            arguments: Vec<Register>,
            limits: Limits,
        },
        3 = Started {
            module: ModuleId,
            debug: Option<DebugId>,
            entry: Option<Entry>,
            arguments: Vec<Register>,
            first: Option<(i64, Vec<u8>)>,
            limits: Limits,
        },
    }
}

/// Why a list is not a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum NoTree {
    #[error("a child of a supervisor that does not come before it")]
    NoParent,
    #[error("supervisors are nested too deep: at most {MAX_DEPTH}")]
    TooDeep,
}

impl Serialize for Spec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Flat::from(self.clone()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Spec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let flat = Flat::deserialize(deserializer)?;
        Spec::try_from(flat).map_err(serde::de::Error::custom)
    }
}

impl From<Spec> for Flat {
    fn from(spec: Spec) -> Self {
        let (top, first) = taken_apart(spec);
        let mut flat = Flat { top, children: Vec::new() };
        // Supervisors whose children are not in the list yet, by their numbers.
        let mut waiting = VecDeque::from([(0, first)]);
        let mut count = 1;
        while let Some((parent, children)) = waiting.pop_front() {
            for Child { name, registered, restart, shutdown, body } in children {
                let shutdown_ms = shutdown_ms(shutdown);
                let body = match body {
                    ChildBody::Program { module, debug, entry, arguments, first, limits } => {
                        flat_program(module, debug, entry, arguments, first, limits)
                    }
                    ChildBody::Supervisor(spec) => {
                        let (node, children) = taken_apart(spec);
                        waiting.push_back((count, children));
                        count += 1;
                        FlatBody::Supervisor(node)
                    }
                };
                let child = FlatChild { parent, name, registered, restart, shutdown_ms, body };
                flat.children.push(child);
            }
        }
        flat
    }
}

impl TryFrom<Flat> for Spec {
    type Error = NoTree;

    fn try_from(flat: Flat) -> Result<Self, NoTree> {
        // The supervisors, each with its depth; and where it goes when its children are in it.
        let mut specs = vec![(flat.top.with(Vec::new()), 1)];
        let mut homes = Vec::new();
        for FlatChild { parent, name, registered, restart, shutdown_ms, body } in flat.children {
            let parent = parent as usize;
            let (spec, depth) = specs.get_mut(parent).ok_or(NoTree::NoParent)?;
            let depth = *depth + 1;
            let mut below = None;
            let body = match body {
                FlatBody::Program { module, entry, arguments, limits } => {
                    let (debug, entry, first) = (None, entry.map(Entry::Label), None);
                    ChildBody::Program { module, debug, entry, arguments, first, limits }
                }
                FlatBody::ProgramAs { module, debug, entry, arguments, limits } => {
                    let (debug, entry, first) = (Some(debug), entry.map(Entry::Label), None);
                    ChildBody::Program { module, debug, entry, arguments, first, limits }
                }
                FlatBody::Started { module, debug, entry, arguments, first, limits } => {
                    let first = first.map(|(tag, payload)| FirstMessage { tag, payload });
                    ChildBody::Program { module, debug, entry, arguments, first, limits }
                }
                FlatBody::Supervisor(_) if depth > MAX_DEPTH => return Err(NoTree::TooDeep),
                FlatBody::Supervisor(node) => {
                    below = Some((node.with(Vec::new()), depth));
                    homes.push((parent, spec.children.len()));
                    ChildBody::Supervisor(Spec::default())
                }
            };
            let shutdown = shutdown_of(shutdown_ms);
            spec.children.push(Child { name, registered, restart, shutdown, body });
            specs.extend(below);
        }
        // The last one first, which has no supervisors that come behind it.
        while let Some((parent, at)) = homes.pop() {
            let (spec, _) = specs.pop().ok_or(NoTree::NoParent)?;
            let home = specs.get_mut(parent).and_then(|(parent, _)| parent.children.get_mut(at));
            home.ok_or(NoTree::NoParent)?.body = ChildBody::Supervisor(spec);
        }
        specs.pop().map(|(spec, _)| spec).ok_or(NoTree::NoParent)
    }
}

/// In the oldest form that can say it.
fn flat_program(
    module: ModuleId,
    debug: Option<DebugId>,
    entry: Option<Entry>,
    arguments: Vec<Register>,
    first: Option<FirstMessage>,
    limits: Limits,
) -> FlatBody {
    let entry = match (entry, &first) {
        (None, None) => None,
        (Some(Entry::Label(label)), None) => Some(label),
        (entry, _) => {
            let first = first.map(|first| (first.tag, first.payload));
            return FlatBody::Started { module, debug, entry, arguments, first, limits };
        }
    };
    match debug {
        None => FlatBody::Program { module, entry, arguments, limits },
        Some(debug) => FlatBody::ProgramAs { module, debug, entry, arguments, limits },
    }
}

impl Node {
    fn with(self, children: Vec<Child>) -> Spec {
        let Self { strategy, restarts, within_ms } = self;
        Spec { strategy, restarts, within_ms, children }
    }
}

fn shutdown_ms(shutdown: Shutdown) -> u64 {
    match shutdown {
        Shutdown::BrutalKill => 0,
        Shutdown::Timeout(ms) => ms,
        Shutdown::Infinity => u64::MAX,
    }
}

fn shutdown_of(ms: u64) -> Shutdown {
    match ms {
        0 => Shutdown::BrutalKill,
        u64::MAX => Shutdown::Infinity,
        ms => Shutdown::Timeout(ms),
    }
}

fn taken_apart(spec: Spec) -> (Node, Vec<Child>) {
    let Spec { strategy, restarts, within_ms, children } = spec;
    (Node { strategy, restarts, within_ms }, children)
}

#[cfg(test)]
mod tests {
    use super::*;
    use iridium_vm::codec;

    fn child(name: &str, body: ChildBody) -> Child {
        let restart = Restart::Transient;
        let shutdown = Shutdown::Timeout(7);
        Child { name: name.into(), registered: None, restart, shutdown, body }
    }

    fn program(name: &str) -> Child {
        let module = iridium_asm::Assembler::new("x").assemble("hlt").unwrap().module.id();
        let limits = Limits::default();
        // Some begin at an instruction, and some with a message.
        let entry = Some(if name.len() > 4 { Entry::At(3) } else { "start".into() });
        let first = (name.len() > 5).then(|| FirstMessage { tag: 4, payload: vec![1, 2] });
        let arguments = vec![Register { int: 1, float: 2.5 }];
        // Half of them say which one of several they mean.
        let debug = name.len().is_multiple_of(2).then_some(DebugId([7; 32]));
        child(name, ChildBody::Program { module, debug, entry, arguments, first, limits })
    }

    fn supervisor(restarts: u32, children: Vec<Child>) -> Spec {
        Spec { strategy: Strategy::RestForOne, restarts, within_ms: 9, children }
    }

    fn nested(depth: usize) -> Spec {
        let innermost = supervisor(0, vec![program("leaf")]);
        (1..depth).fold(innermost, |inner, level| {
            let inner = child("inner", ChildBody::Supervisor(inner));
            supervisor(level as u32, vec![program("before"), inner, program("behind")])
        })
    }

    #[test]
    fn a_tree_comes_back_as_it_was() {
        let twins = |name: &str, restarts| {
            let below = supervisor(restarts, vec![program("a"), program("b")]);
            child(name, ChildBody::Supervisor(below))
        };
        let wide = vec![twins("x", 1), program("p"), twins("y", 2), twins("z", 3)];
        for spec in [Spec::default(), supervisor(4, wide), nested(2), nested(MAX_DEPTH)] {
            assert_eq!(codec::decode::<Spec>(&codec::encode(&spec).unwrap()), Some(spec));
        }
    }

    #[test]
    fn a_tree_that_is_too_deep_is_refused() {
        for depth in [MAX_DEPTH + 1, 1_000] {
            let bytes = codec::encode(&Flat::from(nested(depth))).unwrap();
            assert!(codec::decode::<Flat>(&bytes).is_some(), "it is a list all right");
            assert_eq!(codec::decode::<Spec>(&bytes), None);
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        // A hundred thousand levels, each the child of the one before it. Nested decoding of this
        // ends the whole program.
        let node = || Node { strategy: Strategy::OneForOne, restarts: 0, within_ms: 0 };
        let level = |parent| FlatChild {
            parent,
            name: String::new(),
            registered: None,
            restart: Restart::Permanent,
            shutdown_ms: 0,
            body: FlatBody::Supervisor(node()),
        };
        let flat = Flat { top: node(), children: (0..100_000).map(level).collect() };
        assert_eq!(codec::decode::<Spec>(&codec::encode(&flat).unwrap()), None);
    }

    #[test]
    fn a_child_of_nobody_is_refused() {
        for parent in [1, 2, u32::MAX] {
            let mut flat = Flat::from(nested(2));
            flat.children[0].parent = parent;
            assert_eq!(Spec::try_from(flat), Err(NoTree::NoParent));
        }
    }
}
