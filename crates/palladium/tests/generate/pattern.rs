//! Patterns.

use super::types::Ty;
use super::writer::Writer;

/// What a pattern binds.
pub(super) type Binds = Vec<(String, Ty)>;

impl Writer {
    /// A pattern that some values of a type fit.
    pub(super) fn pattern(&mut self, ty: &Ty, depth: usize, binds: &mut Binds) -> String {
        if depth == 0 || self.random.one_in(4) {
            return self.anything(ty, binds);
        }
        let depth = depth - 1;
        match ty {
            Ty::Int => {
                let words = ["0", "1", "-1", "2..=5", "0 | 2 | 4", "-3..0", "7"];
                self.random.word(&words).to_owned()
            }
            Ty::Bool => self.random.word(&["true", "false"]).to_owned(),
            Ty::Char => self.random.word(&["'a'", "'a'..='m'", "'7' | ' '"]).to_owned(),
            Ty::String => self.random.word(&["\"\"", "\"a\" | \"b\"", "\"größe\""]).to_owned(),
            Ty::Float => self.random.word(&["1.5", "0.0..1.0"]).to_owned(),
            Ty::Option(of) => match self.random.one_in(3) {
                true => "None".to_owned(),
                false => format!("Some({})", self.pattern(of, depth, binds)),
            },
            Ty::Result(value, error) => match self.random.one_in(3) {
                true => format!("Err({})", self.pattern(error, depth, binds)),
                false => format!("Ok({})", self.pattern(value, depth, binds)),
            },
            Ty::Tuple(parts) => {
                let parts: Vec<String> =
                    parts.iter().map(|ty| self.pattern(ty, depth, binds)).collect();
                format!("({})", parts.join(", "))
            }
            Ty::Named(id, arg) => {
                let decl = self.decls[*id].clone();
                let nth = self.random.below(decl.variants.len());
                self.variant(&decl.variants[nth], arg.as_deref(), depth, binds)
            }
            Ty::List(of) => {
                let count = self.random.below(3);
                let mut parts: Vec<String> =
                    (0..count).map(|_| self.pattern(of, depth, binds)).collect();
                if count > 0 && self.random.one_in(2) {
                    parts.push("..".to_owned());
                }
                format!("[{}]", parts.join(", "))
            }
            _ => self.anything(ty, binds),
        }
    }

    pub(super) fn variant(
        &mut self,
        variant: &super::types::Variant,
        arg: Option<&Ty>,
        depth: usize,
        binds: &mut Binds,
    ) -> String {
        if variant.fields.is_empty() {
            return variant.name.clone();
        }
        if self.random.one_in(6) {
            return format!("{}(..)", variant.name);
        }
        let mut fields = Vec::new();
        for (_, ty) in &variant.fields {
            let ty = arg.map_or_else(|| ty.clone(), |arg| ty.with(arg));
            fields.push(self.pattern(&ty, depth, binds));
        }
        format!("{}({})", variant.name, fields.join(", "))
    }

    /// A pattern that all values fit.
    pub(super) fn anything(&mut self, ty: &Ty, binds: &mut Binds) -> String {
        if self.random.one_in(4) {
            return "_".to_owned();
        }
        if let (Ty::Tuple(parts), true) = (ty, self.random.one_in(2)) {
            let parts: Vec<String> = parts.iter().map(|ty| self.anything(ty, binds)).collect();
            return format!("({})", parts.join(", "));
        }
        let name = self.name("p");
        binds.push((name.clone(), ty.clone()));
        name
    }

    /// The arms of a match over a type, the last of which takes all that is left. `body` writes what
    /// an arm does.
    pub(super) fn arms(
        &mut self,
        ty: &Ty,
        depth: usize,
        mut body: impl FnMut(&mut Self) -> String,
    ) -> String {
        let mut arms = String::new();
        for _ in 0..1 + self.random.below(3) {
            let mut binds = Binds::new();
            let mut pattern = self.pattern(ty, 2, &mut binds);
            if !pattern.contains('|') && self.random.one_in(6) {
                let name = self.name("w");
                pattern = format!("{pattern} as {name}");
                binds.push((name, ty.clone()));
            }
            let mark = self.vars.len();
            binds.iter().for_each(|(name, ty)| self.declare(name, ty, false));
            let guard = match self.random.one_in(4) {
                true => format!(" if {}", self.expr(&Ty::Bool, depth.min(1))),
                false => String::new(),
            };
            arms.push_str(&format!("{pattern}{guard} => {}\n", body(self)));
            self.vars.truncate(mark);
        }
        let mut binds = Binds::new();
        let pattern = self.anything(ty, &mut binds);
        let mark = self.vars.len();
        binds.iter().for_each(|(name, ty)| self.declare(name, ty, false));
        arms.push_str(&format!("{pattern} => {}\n", body(self)));
        self.vars.truncate(mark);
        arms
    }
}
