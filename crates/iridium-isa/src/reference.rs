//! Looking instructions up by name, and explaining them from the table.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use super::instruction::{Fuel, Opcode};

/// The longest mnemonic.
const LONGEST: usize = 16;

static BY_MNEMONIC: LazyLock<HashMap<&'static str, Vec<Opcode>>> = LazyLock::new(|| {
    let mut map: HashMap<_, Vec<_>> = HashMap::new();
    for opcode in Opcode::ALL {
        map.entry(opcode.mnemonic()).or_default().push(*opcode);
    }
    map
});

/// The forms of the instruction with this mnemonic, in any case; empty when there is none.
pub fn lookup(mnemonic: &str) -> &'static [Opcode] {
    let mut folded = [0; LONGEST];
    let Some(folded) = folded.get_mut(..mnemonic.len()) else { return &[] };
    folded.copy_from_slice(mnemonic.as_bytes());
    folded.make_ascii_lowercase();
    std::str::from_utf8(folded)
        .ok()
        .and_then(|name| BY_MNEMONIC.get(name))
        .map_or(&[], Vec::as_slice)
}

/// All mnemonics in table order, each once.
pub fn mnemonics() -> impl Iterator<Item = &'static str> {
    let mut last = "";
    Opcode::ALL.iter().map(|opcode| opcode.mnemonic()).filter(move |name| {
        let new = *name != last;
        last = name;
        new
    })
}

/// What an instruction does, how it is written and what it costs; `None` for an unknown mnemonic.
pub fn explain(mnemonic: &str) -> Option<String> {
    let forms = lookup(mnemonic);
    let mut text = String::new();
    for opcode in forms {
        let _ = writeln!(
            text,
            "{}\n    {}\n    fuel: {}",
            notation(*opcode).replace("\\|", "|"),
            opcode.doc(),
            cost(opcode.fuel())
        );
    }
    (!forms.is_empty()).then_some(text)
}

/// The table of all instructions in Markdown, as it stands in the manual.
pub fn manual_table() -> String {
    let mut text =
        String::from("| No. | instruction | meaning | fuel |\n| --- | --- | --- | --- |\n");
    for opcode in Opcode::ALL {
        let _ = writeln!(
            text,
            "| {} | `{}` | {} | {} |",
            opcode.number(),
            notation(*opcode),
            opcode.doc(),
            cost(opcode.fuel())
        );
    }
    text
}

/// How an instruction is written, all forms of it.
pub fn usage(forms: &[Opcode]) -> String {
    let forms: Vec<_> =
        forms.iter().map(|form| format!("`{}`", notation(*form).replace("\\|", "|"))).collect();
    forms.join(" or ")
}

fn notation(opcode: Opcode) -> String {
    let mut text = opcode.mnemonic().to_owned();
    for operand in opcode.operands() {
        text.push(' ');
        text.push_str(&(operand.notation)(operand.name));
    }
    text
}

fn cost(fuel: Fuel) -> String {
    match fuel {
        Fuel::Free => "0".into(),
        Fuel::Taken => "1 if taken".into(),
        Fuel::Fixed(cost) => cost.to_string(),
        Fuel::Bulk => "1 + bytes/64".into(),
    }
}
