//! Declarations, functions and the whole program.

use super::types::{Decl, Param, Signature, Ty, Variant};
use super::writer::{Frame, Writer};

impl Writer {
    pub(super) fn program(mut self) -> String {
        let mut text = "fn same[T](x: T) -> T { x }\n\n".to_owned();
        for _ in 0..self.random.below(4) {
            text.push_str(&self.declaration_of_type());
        }
        for _ in 0..self.random.below(4) {
            text.push_str(&self.function());
        }
        self.budget = 10 + self.random.below(16) as i32;
        self.frames.push(Frame { base: 0, kept: false, result: Some(Ty::Unit), loops: 0 });
        let mut body = self.some_declarations();
        body.push_str(&self.stmts(20));
        let prints = self.prints();
        text.push_str(&format!("fn main() {{\n{body}{prints}}}\n"));
        text
    }

    /// Variables that what follows can work on.
    fn some_declarations(&mut self) -> String {
        let count = 1 + self.random.below(5);
        (0..count).map(|_| self.declaration() + "\n").collect()
    }

    /// Prints all variables that are seen.
    fn prints(&mut self) -> String {
        let seen = self.visible();
        seen.iter().map(|(_, var)| format!("print({})\n", var.name)).collect()
    }

    fn declaration_of_type(&mut self) -> String {
        let record = self.random.one_in(2);
        let name = self.name(if record { "R" } else { "E" });
        let key = !self.random.one_in(3);
        self.generic = self.random.one_in(4);
        let mut variants = Vec::new();
        let itself = Ty::Named(self.decls.len(), self.generic.then(|| Box::new(Ty::Param)));
        for nth in 0..if record { 1 } else { 1 + self.random.below(4) } {
            let most = if self.random.one_in(4) { 7 } else { 3 };
            let fields = match record {
                true => 1 + self.random.below(most),
                false => self.random.below(4),
            };
            let mut all = Vec::new();
            for _ in 0..fields {
                let ty = match nth > 0 && self.random.one_in(3) {
                    true if self.random.one_in(3) => Ty::list(itself.clone()),
                    true => itself.clone(),
                    false => self.ty(1, key),
                };
                let label = (record || self.random.one_in(3)).then(|| self.name("f"));
                all.push((label, ty));
            }
            let name = if record { name.clone() } else { self.name("V") };
            variants.push(Variant { name, fields: all });
        }
        let generic = self.generic;
        self.decls.push(Decl {
            name: name.clone(),
            record,
            generic,
            key,
            variants: variants.clone(),
        });
        self.generic = false;
        let field = |(label, ty): &(Option<String>, Ty)| match label {
            Some(label) => format!("{label}: {}", self.text(ty)),
            None => self.text(ty),
        };
        let parameter = if generic { "[T]" } else { "" };
        if record {
            let fields: Vec<String> = variants[0].fields.iter().map(field).collect();
            return format!("record {name}{parameter} {{\n{}\n}}\n\n", fields.join("\n"));
        }
        let variant = |variant: &Variant| {
            let fields: Vec<String> = variant.fields.iter().map(field).collect();
            match fields.is_empty() {
                true => variant.name.clone(),
                false => format!("{}({})", variant.name, fields.join(", ")),
            }
        };
        let variants: Vec<String> = variants.iter().map(variant).collect();
        format!("enum {name}{parameter} {{\n{}\n}}\n\n", variants.join("\n"))
    }

    fn function(&mut self) -> String {
        let name = self.name("g");
        let recursive = self.random.one_in(3);
        self.generic = self.random.one_in(4);
        let mut params = Vec::new();
        if recursive {
            params.push(Param { name: "depth".to_owned(), ty: Ty::Int, inout: false });
        }
        if self.generic {
            params.push(Param { name: "given".to_owned(), ty: Ty::Param, inout: false });
        }
        for _ in 0..self.random.below(4) {
            let ty = match self.random.one_in(8) {
                true => Ty::Fn(vec![self.ty(1, false)], Box::new(self.ty(1, false))),
                false => self.ty(2, false),
            };
            let inout = self.random.one_in(3) && !matches!(ty, Ty::Fn(..));
            params.push(Param { name: self.name("a"), ty, inout });
        }
        let result = self.result();
        let signature = Signature { name, generic: self.generic, params, result, recursive };
        let text = self.definition(&signature);
        self.generic = false;
        self.functions.push(signature);
        text
    }

    fn result(&mut self) -> Ty {
        let of = self.ty(2, false);
        match self.random.below(6) {
            0 => Ty::Unit,
            1 => Ty::option(of),
            2 => Ty::Result(Box::new(of), Box::new(Ty::String)),
            3 if self.generic => Ty::Param,
            // What depends on the parameter is only known where that is.
            _ if self.generic && !of.is_closed() => Ty::Param,
            _ => of,
        }
    }

    fn definition(&mut self, signature: &Signature) -> String {
        let Signature { name, generic, params, result, recursive } = signature;
        self.budget = 4 + self.random.below(10) as i32;
        self.frames.push(Frame { base: 0, kept: false, result: Some(result.clone()), loops: 0 });
        let mut declared = Vec::new();
        for param in params {
            let var = if param.inout { "var " } else { "" };
            declared.push(format!("{var}{}: {}", param.name, self.text(&param.ty)));
            self.declare(&param.name, &param.ty, param.inout);
        }
        let mut body = String::new();
        if *recursive {
            let least = if *result == Ty::Unit { String::new() } else { self.expr(result, 1) };
            body.push_str(&format!("if depth <= 0 {{\nreturn {least}\n}}\n"));
        }
        if self.random.one_in(2) {
            body.push_str(&self.some_declarations());
        }
        body.push_str(&self.stmts(6));
        if *recursive {
            body.push_str(&self.recursion(signature));
        }
        body.push_str(&self.stmts(3));
        if self.random.one_in(2) {
            body.push_str(&self.prints());
        }
        if *result != Ty::Unit {
            body.push_str(&self.expr(result, 3));
            body.push('\n');
        }
        self.frames.pop();
        self.vars.clear();
        let parameter = if *generic { "[T: Ord + Hash + Show]" } else { "" };
        let gives = match result {
            Ty::Unit => String::new(),
            ty => format!(" -> {}", self.text(ty)),
        };
        format!("fn {name}{parameter}({}){gives} {{\n{body}}}\n\n", declared.join(", "))
    }

    /// A call of the function itself, one less deep.
    fn recursion(&mut self, signature: &Signature) -> String {
        let Some(call) = self.call_of(signature, &Ty::Param, 1) else { return String::new() };
        let Some((before, after)) = call.split_once('(') else { return String::new() };
        let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
        let call = format!("{before}(depth - 1{rest}");
        if signature.result == Ty::Unit {
            return format!("{call}\n");
        }
        let name = self.name("r");
        let text = format!("let {name} = {call}\n");
        self.declare(&name, &signature.result, false);
        text
    }
}
