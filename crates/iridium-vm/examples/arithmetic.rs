//! A compiler for arithmetic expressions: numbers, `+ - * /` and parentheses.
//!
//! It makes a module without any assembly in between, says what is wrong with an expression and where,
//! and traps at the place in the expression that is to blame.
//!
//! `cargo run --example arithmetic -- '1 + 2 * (3 - 4)'`

use iridium_isa::operand::{Int, IntOut, Lit64};
use iridium_isa::{
    Diagnostic, Diagnostics, FileId, Instruction, Module, ModuleBuilder, Sources, Span,
};
use iridium_vm::{Hosts, Limits, Process, Program, Stop};

/// What the compiler's own stack is safe with.
const MAX_NESTING: u32 = 100;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = std::env::args().nth(1).unwrap_or_else(|| "1 + 2 * (3 - 4)".into());
    println!("{}", evaluate(&text)?);
    Ok(())
}

/// The value of an expression, or what is wrong with it.
pub(crate) fn evaluate(text: &str) -> Result<i64, Box<dyn std::error::Error>> {
    let module = compile(text).map_err(|report| report.render(false))?;
    let program = Program::new(module, &Hosts::new())?;
    let mut process = Process::new(&program, Limits::default());
    match process.run(&program, u64::MAX, &mut Vec::new())? {
        Stop::Halted(value) => Ok(value),
        Stop::Trapped(trap) => Err(trap.to_string().into()),
        other => Err(format!("it ended with {other:?}").into()),
    }
}

fn compile(text: &str) -> Result<Module, Diagnostics> {
    let mut sources = Sources::new();
    let file = sources.add("expression", text);
    let mut builder = ModuleBuilder::new();
    builder.add_file("expression");
    let mut compiler = Compiler { sources, file, text, at: 0, nesting: 0, builder };
    let built = compiler.whole().and_then(|()| {
        compiler.builder.finish().map_err(|error| Diagnostic::error(error.to_string()))
    });
    built.map_err(|error| {
        let mut report = Diagnostics::new();
        report.push(error);
        report
    })
}

struct Compiler<'s> {
    sources: Sources<'s>,
    file: FileId,
    text: &'s str,
    /// The next byte.
    at: usize,
    /// Parentheses that are open.
    nesting: u32,
    builder: ModuleBuilder,
}

impl Compiler<'_> {
    fn whole(&mut self) -> Result<(), Diagnostic> {
        self.sum(0)?;
        if self.peek().is_some() {
            return Err(self.error("expected an operator", self.next_span()));
        }
        self.builder.push(Instruction::Hlt {});
        Ok(())
    }

    fn sum(&mut self, to: u8) -> Result<(), Diagnostic> {
        self.chain(to, "+-", Self::product)
    }

    fn product(&mut self, to: u8) -> Result<(), Diagnostic> {
        self.chain(to, "*/", Self::atom)
    }

    /// Parts with operators between them. The value goes to the register `to`; those above it are
    /// free.
    fn chain(
        &mut self,
        to: u8,
        operators: &str,
        part: fn(&mut Self, u8) -> Result<(), Diagnostic>,
    ) -> Result<(), Diagnostic> {
        part(self, to)?;
        while let Some(operator) = self.peek().filter(|next| operators.contains(*next)) {
            let place = self.next_span();
            self.at += 1;
            let above = to.checked_add(1);
            let right = above.ok_or_else(|| self.error("too long to compute", place.clone()))?;
            part(self, right)?;
            let (a, b, d) = (Int(to), Int(right), IntOut(to));
            self.emit(
                &place,
                match operator {
                    '+' => Instruction::Add { a, b, d },
                    '-' => Instruction::Sub { a, b, d },
                    '*' => Instruction::Mul { a, b, d },
                    _ => Instruction::Div { a, b, d },
                },
            );
        }
        Ok(())
    }

    /// A number, or an expression in parentheses.
    fn atom(&mut self, to: u8) -> Result<(), Diagnostic> {
        let place = match self.peek() {
            Some('(') => return self.parentheses(to),
            Some('0'..='9') => self.next_span(),
            _ => return Err(self.error("expected a number or `(`", self.next_span())),
        };
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        self.at += length;
        let place = place.start..self.at as u32;
        let number = rest.get(..length).unwrap_or_default().parse();
        let n = number.map_err(|_| self.error("does not fit in 64 bits", place.clone()))?;
        self.emit(&place, Instruction::Load { d: IntOut(to), n: Lit64(n) });
        Ok(())
    }

    fn parentheses(&mut self, to: u8) -> Result<(), Diagnostic> {
        let open = self.next_span();
        if self.nesting == MAX_NESTING {
            return Err(self.error("nested too deeply", open));
        }
        self.nesting += 1;
        self.at += 1;
        self.sum(to)?;
        if self.peek() != Some(')') {
            let excerpt = self.sources.excerpt(self.file, open);
            let error = self.error("expected `)`", self.next_span());
            return Err(error.secondary(excerpt, "opened here"));
        }
        self.nesting -= 1;
        self.at += 1;
        Ok(())
    }

    /// Appends an instruction that stands where the span begins.
    fn emit(&mut self, place: &Span, instruction: Instruction) {
        self.builder.set_location(self.sources.location(self.file, place.start));
        self.builder.push(instruction);
    }

    /// The next character that is not blank.
    fn peek(&mut self) -> Option<char> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at += rest.len() - rest.trim_start().len();
        rest.trim_start().chars().next()
    }

    fn next_span(&self) -> Span {
        let next = self.text.get(self.at..).and_then(|rest| rest.chars().next());
        self.at as u32..(self.at + next.map_or(0, char::len_utf8)) as u32
    }

    fn error(&self, message: &str, place: Span) -> Diagnostic {
        Diagnostic::error(message).primary(self.sources.excerpt(self.file, place), "")
    }
}
