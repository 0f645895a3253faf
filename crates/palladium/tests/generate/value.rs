//! Values that are written out.

use super::types::Ty;
use super::writer::Writer;

impl Writer {
    /// A value of a type that is known from around it.
    pub(super) fn literal(&mut self, ty: &Ty, depth: usize) -> String {
        match ty {
            Ty::Unit => "()".to_owned(),
            Ty::Int => self.int(),
            Ty::Float => {
                let words = ["0.0", "1.5", "(-2.25)", "1e10", "0.1", "3.0", "(-0.0)"];
                self.random.word(&words).to_owned()
            }
            Ty::Bool => self.random.word(&["true", "false"]).to_owned(),
            Ty::Char => {
                self.random.word(&["'a'", "'z'", "'Q'", "'7'", "' '", "'ß'", "'\\n'"]).to_owned()
            }
            Ty::String => {
                let words = [
                    "\"\"",
                    "\"a\"",
                    "\"b\"",
                    "\"hello world\"",
                    "\"größe\"",
                    "\"1,2\"",
                    "\"x\\ty\\\"\"",
                ];
                self.random.word(&words).to_owned()
            }
            Ty::List(of) => {
                let elements = self.several(of, depth, 4);
                format!("[{elements}]")
            }
            Ty::Set(of) => {
                let elements = self.several(of, depth, 4);
                match elements.is_empty() {
                    true => "Set.new()".to_owned(),
                    false => format!("Set.from([{elements}])"),
                }
            }
            Ty::Map(key, value) => {
                let count = if depth == 0 { 0 } else { self.random.below(4) };
                let entry = |writer: &mut Self| {
                    let key = writer.expr(key, depth - 1);
                    format!("{key}: {}", writer.expr(value, depth - 1))
                };
                let entries: Vec<String> = (0..count).map(|_| entry(self)).collect();
                if entries.is_empty() {
                    "[:]".to_owned()
                } else {
                    format!("[{}]", entries.join(", "))
                }
            }
            Ty::Option(of) => match depth == 0 || self.random.one_in(4) {
                true => "None".to_owned(),
                false => format!("Some({})", self.expr(of, depth - 1)),
            },
            Ty::Result(value, error) => match self.random.one_in(3) {
                true => format!("Err({})", self.expr(error, depth.saturating_sub(1))),
                false => format!("Ok({})", self.expr(value, depth.saturating_sub(1))),
            },
            Ty::Tuple(parts) => {
                let parts: Vec<String> =
                    parts.iter().map(|ty| self.expr(ty, depth.saturating_sub(1))).collect();
                format!("({})", parts.join(", "))
            }
            Ty::Named(id, arg) => self.made(*id, arg.as_deref(), depth),
            Ty::Fn(params, result) => self.closure(params, result, true, depth),
            // Functions with a type parameter have a parameter of that type, which may be hidden.
            Ty::Param => {
                self.var(|var| var.ty == Ty::Param).map_or("given".to_owned(), |var| var.name)
            }
        }
    }

    fn int(&mut self) -> String {
        match self.random.below(40) {
            0 => "9223372036854775807".to_owned(),
            1 => "(-9223372036854775808)".to_owned(),
            2 => "1000000007".to_owned(),
            3 => "0xff".to_owned(),
            4..=6 => format!("(-{})", 1 + self.random.below(5)),
            _ => self.random.below(8).to_string(),
        }
    }

    /// Some values, with commas.
    fn several(&mut self, ty: &Ty, depth: usize, most: usize) -> String {
        let count = if depth == 0 { self.random.below(2) } else { self.random.below(most) };
        let depth = depth.saturating_sub(1);
        let all: Vec<String> = (0..count).map(|_| self.expr(ty, depth)).collect();
        all.join(", ")
    }

    /// A record or variant. The first variant is never recursive.
    fn made(&mut self, id: usize, arg: Option<&Ty>, depth: usize) -> String {
        let decl = self.decls[id].clone();
        let nth = if depth == 0 { 0 } else { self.random.below(decl.variants.len()) };
        let variant = &decl.variants[nth];
        let labels = self.random.one_in(2);
        let mut fields = Vec::new();
        for (label, ty) in &variant.fields {
            let ty = arg.map_or_else(|| ty.clone(), |arg| ty.with(arg));
            let value = self.expr(&ty, depth.saturating_sub(1));
            fields.push(match label {
                Some(label) if labels => format!("{label}: {value}"),
                _ => value,
            });
        }
        match fields.is_empty() {
            true => variant.name.clone(),
            false => format!("{}({})", variant.name, fields.join(", ")),
        }
    }
}
