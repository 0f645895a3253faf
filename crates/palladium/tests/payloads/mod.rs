//! Payloads that may be damaged, and what compiled programs make of them: the same as the codec that
//! knows types as data, without a trap, a leak, or a second form of any value.

mod forms;
mod inbox;
mod kept;
mod made;

use iridium_isa::Module;
use iridium_isa::protocol::{Protocol, Shape};
use palladium::rc::Mode;
use palladium::{Target, look_at};

use self::inbox::Inbox;
use self::kept::Kept;
use crate::common::one_file::OneFile;

/// Gives a number at random that is below another, which is not 0.
pub(crate) type Below<'r> = &'r mut dyn FnMut(usize) -> usize;

/// More than any of these payloads needs.
const FUEL: u64 = 1 << 24;
/// What a payload of a few hundred bytes must not fill.
const HEAP: u64 = 1 << 20;

/// Compiled programs that read payloads of the same types: one those of values that are kept, the
/// other those of messages.
pub(crate) struct Payloads {
    protocol: Protocol,
    shapes: Vec<Shape>,
    kept: Kept,
    inbox: Inbox,
}

impl Payloads {
    /// The types are chosen by `random`.
    pub(crate) fn new(mode: Mode, random: Below<'_>) -> Self {
        let (protocol, shapes) = forms::types(random);
        let kept = Kept::new(mode, &protocol, &shapes);
        let inbox = Inbox::new(mode, &protocol, &shapes, random);
        Self { protocol, shapes, kept, inbox }
    }

    /// A payload behind what it is of, two bytes: damaged, if `random` wants it.
    pub(crate) fn random(&self, random: Below<'_>) -> Vec<u8> {
        let (first, mut payload) = match random(2) {
            0 => {
                let number = random(self.shapes.len());
                let value = made::value(&self.protocol, &self.shapes[number], 0, random);
                let payload = self.protocol.encode(&self.shapes[number], &value).unwrap();
                ([0, number as u8], payload)
            }
            _ => {
                let (number, payload) = self.inbox.random(random);
                ([1, number], payload)
            }
        };
        if random(8) > 0 {
            made::damage(&mut payload, random);
        }
        [&first, payload.as_slice()].concat()
    }

    /// Whether a payload is read. What must not be is told.
    pub(crate) fn tried(&self, input: &[u8]) -> Result<bool, String> {
        let (first, payload) = input.split_first_chunk().unwrap_or((&[0, 0], &[]));
        let [what, number] = first.map(usize::from);
        match what % 2 {
            0 => self.tried_kept(number % self.shapes.len(), payload),
            _ => self.inbox.tried(number, payload),
        }
    }

    fn tried_kept(&self, number: usize, payload: &[u8]) -> Result<bool, String> {
        let shape = &self.shapes[number];
        let expected = match self.protocol.decode(shape, payload) {
            Ok(value) => Some(self.protocol.encode(shape, &value).unwrap()),
            Err(_) => None,
        };
        let found = self.kept.read(&self.protocol, shape, (number, payload))?;
        if found != expected {
            let text = self.protocol.text_of(shape);
            return Err(format!("{text}: {payload:02x?} is {found:02x?}, not {expected:02x?}"));
        }
        Ok(found.is_some())
    }
}

fn module(source: &str, mode: Mode) -> Module {
    let checked = look_at("forms.pd", &mut OneFile("forms.pd", source)).unwrap();
    assert!(!checked.has_errors(), "{}", checked.diagnostics().render(false));
    checked.module(Target::Main, mode).unwrap()
}
