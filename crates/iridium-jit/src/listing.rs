//! Native code as text, for people.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use iridium_isa::Module;

use crate::compile::{functions, isa};
use crate::lower::Lowering;
use crate::region::{Entries, Region, Source};

/// The native code of each function of a module, in the assembly language of this machine, as it is
/// made when the function is hot; `None` on machines that there is no code for. Comments begin with
/// `;`, and say why a function has no code, if it has none.
#[must_use]
pub fn listing(module: &Module) -> Option<String> {
    let mut lowering = Lowering::new(isa()?);
    let source = Source::new(module);
    let regions: Vec<_> = functions(&source)
        .into_iter()
        .map(|start| (start, Region::explore(&source, start, Entries::Usual)))
        .collect();
    let direct: BTreeSet<u32> = regions
        .iter()
        .filter_map(|(start, region)| {
            region.as_ref().filter(|it| it.begins_native()).and(Some(*start))
        })
        .collect();
    let mut text = String::new();
    for (start, region) in &regions {
        let code = match region {
            None => Err("it is too large".to_owned()),
            Some(region) if region.entries.is_empty() => {
                Err("there is nothing to compile".to_owned())
            }
            Some(region) => {
                let listing = lowering.listing(&source, region, &direct);
                listing.map_err(|refused| refused.to_string()).map(|listing| (region, listing))
            }
        };
        // Writing to a string cannot fail.
        let _ = match code {
            Ok((region, (code, bytes))) => {
                let count = region.members.len();
                let title = title(module, *start);
                write!(text, "; {title}: {count} instructions, {bytes} bytes of code\n{code}\n")
            }
            Err(why) => write!(text, "; {}: interpreted; {why}\n\n", title(module, *start)),
        };
    }
    Some(text)
}

/// The name of a function, if it has one, and its first instruction.
fn title(module: &Module, start: u32) -> String {
    let labels = module.code_labels().iter().chain(module.exports());
    let name =
        labels.filter(|(_, index)| *index == start).map(|(name, _)| format!("{name}, ")).next();
    format!("{}from instruction {start} on", name.unwrap_or_default())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use iridium_asm::Assembler;

    use super::*;

    #[test]
    fn each_function_is_listed_or_it_is_told_why_it_is_not() {
        let source = "
            main:  call @half
                   call @print
                   hlt
            half:  loadf64 $1 #0.5
                   mulf64 $0 $1 $0
                   ret
            print: exit $0";
        let module = Assembler::new("test.iasm").assemble(source).unwrap().module;
        let Some(text) = listing(&module) else { return assert!(isa().is_none()) };
        assert!(text.starts_with("; main, from instruction 0 on: 3 instructions"), "{text}");
        assert!(text.contains("\n; half, from instruction 3 on: 3 instructions, "), "{text}");
        assert!(
            text.contains(if cfg!(target_arch = "x86_64") { "mulsd" } else { "fmul" }),
            "{text}"
        );
        let none = "; print, from instruction 6 on: interpreted; there is nothing to compile";
        assert!(text.contains(none), "{text}");
    }
}
