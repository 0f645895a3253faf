//! Which functions the program consists of, and which are still to be made.

use std::collections::HashMap;
use std::sync::Arc;

use super::target::Target;
use crate::core::{Entry, FnId, Type};
use crate::mir::{Class, FnIdx, Function, GlueIdx};

/// A function for some types.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Instance {
    pub(super) function: FnId,
    pub(super) types: Arc<[Type]>,
}

impl Instance {
    pub(super) fn new(function: FnId, types: impl Into<Arc<[Type]>>) -> Self {
        Self { function, types: types.into() }
    }

    /// As a function of which nothing else is known.
    pub(super) fn plain(self) -> Key {
        Key::Function(self, [].into())
    }
}

/// What a process needs that runs a closure.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Task {
    /// The closure.
    pub(super) closure: Instance,
    /// What calls it: a function of it and an argument.
    pub(super) run: Instance,
    /// Of the argument.
    pub(super) argument: Type,
}

/// What a function of the result is made from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// What runs first.
    Entry(Target),
    /// The same for what has been typed at a prompt.
    Prompt(Arc<Entry>),
    /// The begin of a process that calls a function.
    Birth(Instance),
    /// The begin of a process that runs a closure.
    Task(Task),
    /// A function. Of its parameters it is known which closures they are, if that can be.
    Function(Instance, Arc<[Option<Instance>]>),
    /// A function that is called as a closure, or the code of one.
    Value(Instance),
    /// What follows from the structure of a type.
    Derived(Derived, Type),
    Drop(GlueIdx),
    Copy(GlueIdx),
    /// The slow part of an intrinsic.
    Support(Support),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Derived {
    Equal,
    Order,
    Hash,
    Show,
    /// To JSON.
    Encode,
    /// From JSON.
    Decode,
    /// How many bytes it takes as a payload.
    WireSize,
    WriteWire,
    ReadWire,
}

/// Parts of intrinsics that are not worth being repeated. A class is that of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Support {
    /// A block with room for more than so many bytes.
    Grow(Class),
    /// A string or bytes, and what is appended.
    PushBytes,
    PushPart,
    /// A string, and the integer whose text is appended.
    PushInt,
    /// A string, and the character that is appended.
    PushChar,
    /// A string, the float whose text is appended, and how.
    PushFloat,
    /// Whether two strings or bytes are equal.
    EqualBytes,
    /// -1, 0 or 1 for two strings or bytes.
    OrderBytes,
    /// A part of bytes, from one offset to another.
    SliceBytes,
    /// The same, where the offsets are known to be within.
    PartOfBytes,
    /// So many times the same byte.
    FillBytes,
    /// A list without its elements from this position on.
    Truncate(Class),
    /// A part of a list, from one position to another.
    SliceList(Class),
    /// A list and its elements to append.
    ExtendList(Class),
    /// So many times the same element.
    Filled(Class),
    /// A list, a position and what is put there.
    Insert(Class),
    /// The element at a position, and the list without it.
    Remove(Class),
}

/// The functions in the order in which they were asked for.
#[derive(Default)]
pub(super) struct Instances {
    keys: Vec<Key>,
    index: HashMap<Key, FnIdx>,
    made: Vec<Function>,
}

impl Instances {
    /// The position of a function, which is made when its turn comes.
    pub(super) fn get(&mut self, key: Key) -> FnIdx {
        if let Some(known) = self.index.get(&key) {
            return *known;
        }
        let index = FnIdx(self.keys.len() as u32);
        self.keys.push(key.clone());
        self.index.insert(key, index);
        index
    }

    /// The next that is to be made.
    pub(super) fn next(&self) -> Option<(FnIdx, Key)> {
        let next = self.made.len();
        self.keys.get(next).map(|key| (FnIdx(next as u32), key.clone()))
    }

    /// Takes what [`next`](Self::next) asked for.
    pub(super) fn put(&mut self, function: Function) {
        self.made.push(function);
    }

    pub(super) fn into_functions(self) -> Vec<Function> {
        self.made
    }
}
