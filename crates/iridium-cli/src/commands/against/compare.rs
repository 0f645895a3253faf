//! What has become of the messages of a program.

use std::fmt;

use iridium_isa::protocol::{Declared, Message, Protocol};
use serde::Serialize;

/// What has become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Change {
    /// Both versions send it.
    Same,
    /// One of the same name has another form now.
    Changed,
    /// No message has its name any more.
    Gone,
    /// The older version has none of this name.
    New,
    /// An older form that the older version has still understood.
    Dropped,
}

/// A message in both versions of a program.
#[derive(Debug, Serialize)]
pub(super) struct Compared {
    /// The actor, or the type of the inbox.
    pub(super) actor: String,
    pub(super) name: String,
    pub(super) change: Change,
    /// As the older version sends it.
    was: Option<String>,
    /// As it is sent now.
    now: Option<String>,
    /// Whether the new version understands what the older one sends.
    new_understands: Option<bool>,
    /// Whether the older version understands what the new one sends.
    old_understands: Option<bool>,
    /// What has changed in the types that it consists of.
    types: Vec<ChangedType>,
    /// Whether it is a handler of an actor, which can have older forms.
    #[serde(skip)]
    is_handler: bool,
}

/// A record or an enum of a message that has changed.
#[derive(Debug, Serialize)]
struct ChangedType {
    was: String,
    now: String,
}

impl Compared {
    /// Whether the older version sends it and it is not understood.
    pub(super) fn is_lost(&self) -> bool {
        self.change != Change::Dropped && self.new_understands == Some(false)
    }

    /// Whether the older version does not understand it.
    pub(super) fn is_unknown(&self) -> bool {
        self.old_understands == Some(false)
    }

    /// The handler with which it would be understood as it was.
    pub(super) fn handler(&self) -> Option<String> {
        let was = self.was.as_ref().filter(|_| self.is_handler)?;
        Some(format!("{}: old on {was} {{ … }}", self.actor))
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = self.was.as_ref().or(self.now.as_ref()).map_or(&*self.name, |form| form);
        let word = match self.change {
            Change::Same => "same",
            Change::Changed => "changed",
            Change::Gone => "gone",
            Change::New => "new",
            Change::Dropped => "dropped",
        };
        write!(f, "{word:<8} {}.{form}", self.actor)?;
        match self.change {
            Change::Same | Change::Gone | Change::New => return Ok(()),
            Change::Dropped => return f.write_str(", an older form"),
            Change::Changed => {}
        }
        if let (Some(was), Some(now)) = (&self.was, &self.now)
            && was != now
        {
            write!(f, ", now {now}")?;
        }
        for ty in &self.types {
            write!(f, ", {} is now {}", ty.was, ty.now)?;
        }
        match self.new_understands {
            Some(true) => f.write_str("; understood as it was, too"),
            _ => Ok(()),
        }
    }
}

/// Compares what processes understand: by actor, and for each the messages of the older version
/// first.
pub(super) fn compare(old: &[Protocol], new: &[Protocol]) -> Vec<Compared> {
    let mut names: Vec<&str> = Vec::new();
    for protocol in old.iter().chain(new) {
        if !names.contains(&&*protocol.name) {
            names.push(&protocol.name);
        }
    }
    let actor = |name| Actor { name, old: Inbox::of(old, name), new: Inbox::of(new, name) };
    names.into_iter().flat_map(|name| actor(name).compared()).collect()
}

/// An actor in both versions.
struct Actor<'p> {
    name: &'p str,
    old: Inbox<'p>,
    new: Inbox<'p>,
}

impl Actor<'_> {
    fn compared(&self) -> Vec<Compared> {
        let mut all: Vec<Compared> =
            self.old.sent().map(|(protocol, was)| self.of_old(protocol, was)).collect();
        let is_new = |message: &Message| self.old.named(&message.name).is_none();
        let new = self.new.sent().filter(|(_, message)| is_new(message));
        all.extend(new.map(|(protocol, now)| Compared {
            now: Some(protocol.signature(now)),
            old_understands: Some(false),
            ..self.message(now, Change::New)
        }));
        let dropped = self.old.older().filter(|(_, was)| !self.new.understands(was.tag));
        all.extend(dropped.map(|(protocol, was)| Compared {
            was: Some(protocol.signature(was)),
            new_understands: Some(false),
            ..self.message(was, Change::Dropped)
        }));
        all
    }

    /// A message that the older version sends.
    fn of_old(&self, protocol: &Protocol, was: &Message) -> Compared {
        let now = self.new.named(&was.name);
        let change = match now {
            Some((_, now)) if now.tag == was.tag => Change::Same,
            Some(_) => Change::Changed,
            None => Change::Gone,
        };
        Compared {
            was: Some(protocol.signature(was)),
            now: now.map(|(protocol, now)| protocol.signature(now)),
            new_understands: Some(self.new.understands(was.tag)),
            old_understands: now.map(|(_, now)| self.old.understands(now.tag)),
            types: now.map(|now| changed_types((protocol, was), now)).unwrap_or_default(),
            ..self.message(was, change)
        }
    }

    fn message(&self, message: &Message, change: Change) -> Compared {
        Compared {
            actor: self.name.to_owned(),
            name: message.name.to_string(),
            change,
            was: None,
            now: None,
            new_understands: None,
            old_understands: None,
            types: Vec::new(),
            is_handler: self.new.is_actor(self.name),
        }
    }
}

/// What one version says of an inbox. Inboxes of one name in several files are one.
struct Inbox<'p> {
    protocols: Vec<&'p Protocol>,
}

impl<'p> Inbox<'p> {
    fn of(protocols: &'p [Protocol], name: &str) -> Self {
        Self { protocols: protocols.iter().filter(|protocol| *protocol.name == *name).collect() }
    }

    fn messages(&self) -> impl Iterator<Item = (&'p Protocol, &'p Message)> {
        let messages =
            |protocol: &'p Protocol| protocol.messages.iter().map(move |m| (protocol, m));
        self.protocols.iter().copied().flat_map(messages)
    }

    /// The messages that are sent to it. Older forms come behind the present one.
    fn sent(&self) -> impl Iterator<Item = (&'p Protocol, &'p Message)> {
        self.messages().filter(|(_, message)| self.is_sent(message))
    }

    fn older(&self) -> impl Iterator<Item = (&'p Protocol, &'p Message)> {
        self.messages().filter(|(_, message)| !self.is_sent(message))
    }

    fn is_sent(&self, message: &Message) -> bool {
        self.named(&message.name).is_some_and(|(_, first)| first.tag == message.tag)
    }

    fn named(&self, name: &str) -> Option<(&'p Protocol, &'p Message)> {
        self.messages().find(|(_, message)| *message.name == *name)
    }

    fn understands(&self, tag: i64) -> bool {
        self.messages().any(|(_, message)| message.tag == tag)
    }

    fn is_actor(&self, name: &str) -> bool {
        let mut starts = self.protocols.iter().flat_map(|protocol| &protocol.starts);
        starts.any(|start| start.name.rsplit('.').next() == Some(name))
    }
}

/// The records and enums of one name that are others now.
fn changed_types(
    (old, was): (&Protocol, &Message),
    (new, now): (&Protocol, &Message),
) -> Vec<ChangedType> {
    let other = |declared: &Declared| new.types_of(now).find(|other| other.name == declared.name);
    let changed = old.types_of(was).filter_map(|declared| {
        let (was, now) = (old.declaration(declared), new.declaration(other(declared)?));
        (was != now).then_some(ChangedType { was, now })
    });
    changed.collect()
}
