//! Expressions.

use super::types::{Signature, Ty};
use super::writer::{Frame, MISTAKE, Var, Writer};

impl Writer {
    /// An expression of a type that is known from around it.
    pub(super) fn expr(&mut self, ty: &Ty, depth: usize) -> String {
        if self.is_mistaken() {
            return match ty {
                Ty::String => format!("(\"{MISTAKE}\", 1)"),
                _ => format!("\"{MISTAKE}\""),
            };
        }
        if depth == 0 {
            return self.leaf(ty);
        }
        let depth = depth - 1;
        if self.random.one_in(3)
            && let Some(text) = self.of_any_type(ty, depth)
        {
            return text;
        }
        let own = match ty {
            Ty::Int => self.int_expr(depth),
            Ty::Float => self.float_expr(depth),
            Ty::Bool => self.bool_expr(depth),
            Ty::String => self.string_expr(depth),
            Ty::List(of) => self.list_expr(of, depth),
            Ty::Option(of) => self.option_expr(of, depth),
            _ => None,
        };
        own.unwrap_or_else(|| self.leaf_or_literal(ty, depth))
    }

    fn is_mistaken(&mut self) -> bool {
        let now = self.mistake == Some(0);
        self.mistake = self.mistake.and_then(|left| left.checked_sub(1));
        now
    }

    /// The same of a type that is not known from around it.
    pub(super) fn sure(&mut self, ty: &Ty, depth: usize) -> String {
        if let Some(var) = self.var(|var| var.ty == *ty)
            && !self.random.one_in(3)
        {
            return var.name;
        }
        match ty {
            // It says its types itself.
            Ty::Fn(..) => self.expr(ty, depth),
            _ => format!("same[{}]({})", self.text(ty), self.expr(ty, depth)),
        }
    }

    fn leaf(&mut self, ty: &Ty) -> String {
        match self.random.one_in(4) {
            true => self.literal(ty, 0),
            false => self.read(ty).unwrap_or_else(|| self.literal(ty, 0)),
        }
    }

    fn leaf_or_literal(&mut self, ty: &Ty, depth: usize) -> String {
        match self.random.one_in(3) {
            true => self.leaf(ty),
            false => self.literal(ty, depth),
        }
    }

    /// A variable, or a part of one.
    fn read(&mut self, ty: &Ty) -> Option<String> {
        let mut found: Vec<String> = Vec::new();
        for (_, var) in self.visible() {
            self.parts(&var.name, &var.ty, ty, 2, &mut found);
        }
        self.random.pick(&found).cloned()
    }

    /// The ways into a value to parts of a type.
    pub(super) fn parts(
        &self,
        path: &str,
        of: &Ty,
        ty: &Ty,
        depth: usize,
        found: &mut Vec<String>,
    ) {
        if of == ty {
            found.push(path.to_owned());
        }
        if depth == 0 {
            return;
        }
        match of {
            Ty::Tuple(parts) => {
                for (nth, part) in parts.iter().enumerate() {
                    self.parts(&format!("{path}.{nth}"), part, ty, depth - 1, found);
                }
            }
            Ty::Named(id, arg) if self.decls[*id].record => {
                for (label, part) in &self.decls[*id].variants[0].fields {
                    let part = arg.as_deref().map_or_else(|| part.clone(), |arg| part.with(arg));
                    let label = label.as_deref().unwrap_or_default();
                    self.parts(&format!("{path}.{label}"), &part, ty, depth - 1, found);
                }
            }
            _ => {}
        }
    }

    /// What gives a value of whatever type.
    fn of_any_type(&mut self, ty: &Ty, depth: usize) -> Option<String> {
        match self.random.below(14) {
            0 | 1 => {
                let condition = self.expr(&Ty::Bool, depth);
                let (then, other) = (self.value_block(ty, depth), self.value_block(ty, depth));
                Some(format!("if {condition} {then} else {other}"))
            }
            2 | 3 => {
                let value = self.var(|var| !matches!(var.ty, Ty::Fn(..)))?;
                let ty = ty.clone();
                let arms = self.arms(&value.ty, depth, |writer| match writer.random.one_in(4) {
                    true => writer.value_block(&ty, depth),
                    false => writer.expr(&ty, depth),
                });
                Some(format!("match {} {{\n{arms}}}", value.name))
            }
            4..=6 => self.call(ty, depth),
            7 => {
                let var = self.var(|var| var.ty == Ty::option(ty.clone()))?;
                let text = format!("{} ?? {}", var.name, self.expr(ty, depth));
                Some(format!("({text})"))
            }
            8 => {
                let list = self.var(|var| var.ty == Ty::list(ty.clone()))?;
                let other = self.expr(ty, depth);
                let index = self.expr(&Ty::Int, depth.min(1));
                Some(match self.random.below(4) {
                    0 if self.random.one_in(3) => format!("{}[{index}]", list.name),
                    1 => format!("({}.last() ?? {other})", list.name),
                    _ => format!("({}.get({index}) ?? {other})", list.name),
                })
            }
            9 => {
                let is_map = |var: &Var| matches!(&var.ty, Ty::Map(_, value) if **value == *ty);
                let map = self.var(is_map)?;
                let Ty::Map(key, _) = &map.ty else { return None };
                let (key, other) = (self.expr(key, depth), self.expr(ty, depth));
                Some(format!("{}[{key}, default: {other}]", map.name))
            }
            10 => {
                let list = self.var(|var| matches!(&var.ty, Ty::List(_)))?;
                let Ty::List(of) = &list.ty else { return None };
                let (init, fold) = (self.sure(ty, depth), [ty.clone(), Ty::clone(of)]);
                let fold = self.closure(&fold, ty, false, depth);
                Some(format!("{}.fold({init}, {fold})", list.name))
            }
            11 => self.passed_on(ty, depth),
            12 => {
                let is_fn = |var: &Var| matches!(&var.ty, Ty::Fn(_, result) if **result == *ty);
                let f = self.var(is_fn)?;
                let Ty::Fn(params, _) = &f.ty else { return None };
                let args: Vec<String> = params.iter().map(|ty| self.expr(ty, depth)).collect();
                Some(format!("{}({})", f.name, args.join(", ")))
            }
            _ if ty.is_key(&self.decls) => {
                let which = self.random.word(&["min", "max"]);
                Some(format!("{which}({}, {})", self.sure(ty, depth), self.sure(ty, depth)))
            }
            _ => None,
        }
    }

    /// `e?`, and seldom `e!`.
    fn passed_on(&mut self, ty: &Ty, depth: usize) -> Option<String> {
        if ty.has_fn() {
            return None;
        }
        if self.random.one_in(6) {
            let option = Ty::option(ty.clone());
            return Some(format!("{}!", self.sure(&option, depth)));
        }
        let outer = self.frames.last()?.result.clone()?;
        let inner = match outer {
            Ty::Option(_) => Ty::option(ty.clone()),
            Ty::Result(_, error) => Ty::Result(Box::new(ty.clone()), error),
            _ => return None,
        };
        Some(format!("{}?", self.sure(&inner, depth)))
    }

    /// `{ … }` with a value.
    pub(super) fn value_block(&mut self, ty: &Ty, depth: usize) -> String {
        let mark = self.vars.len();
        let stmts = if self.random.one_in(3) { self.stmts(1) } else { String::new() };
        let value = self.expr(ty, depth);
        self.vars.truncate(mark);
        format!("{{\n{stmts}{value}\n}}")
    }

    /// `fn(x: T) -> U => …`. One that is kept changes nothing around it.
    pub(super) fn closure(
        &mut self,
        params: &[Ty],
        result: &Ty,
        kept: bool,
        depth: usize,
    ) -> String {
        let mark = self.vars.len();
        self.frames.push(Frame { base: mark, kept, result: None, loops: 0 });
        let mut names = Vec::new();
        for ty in params {
            let name = self.name("c");
            names.push(format!("{name}: {}", self.text(ty)));
            self.declare(&name, ty, false);
        }
        let names = names.join(", ");
        let text = if *result == Ty::Unit {
            format!("fn({names}) {{\n{}}}", self.stmts(2))
        } else if self.random.one_in(3) {
            format!("fn({names}) -> {} {}", self.text(result), self.value_block(result, depth))
        } else {
            format!("fn({names}) -> {} => {}", self.text(result), self.expr(result, depth))
        };
        self.frames.pop();
        self.vars.truncate(mark);
        text
    }

    /// A call of one of the program's functions that gives such a value.
    pub(super) fn call(&mut self, ty: &Ty, depth: usize) -> Option<String> {
        let gives = |signature: &&Signature| match &signature.result {
            Ty::Param => ty.is_key(&self.decls),
            result => result == ty,
        };
        let fitting: Vec<Signature> = self.functions.iter().filter(gives).cloned().collect();
        let signature = self.random.pick(&fitting)?.clone();
        let arg = match signature.result {
            Ty::Param => ty.clone(),
            _ => self.ty(1, true),
        };
        self.call_of(&signature, &arg, depth)
    }

    pub(super) fn call_of(
        &mut self,
        signature: &Signature,
        arg: &Ty,
        depth: usize,
    ) -> Option<String> {
        let mut args = Vec::new();
        let mut changed: Vec<String> = Vec::new();
        for (nth, param) in signature.params.iter().enumerate() {
            let ty = if signature.generic { param.ty.with(arg) } else { param.ty.clone() };
            args.push(if param.inout {
                let var = self.changeable(|var| var.ty == ty && !changed.contains(&var.name))?;
                changed.push(var.name.clone());
                format!("&{}", var.name)
            } else if nth == 0 && signature.recursive {
                self.random.below(4).to_string()
            } else if let Ty::Fn(params, result) = &ty {
                self.closure(params, result, true, depth)
            } else {
                self.expr(&ty, depth)
            });
        }
        let types = match signature.generic {
            true => format!("[{}]", self.text(arg)),
            false => String::new(),
        };
        Some(format!("{}{types}({})", signature.name, args.join(", ")))
    }

    fn int_expr(&mut self, depth: usize) -> Option<String> {
        let (a, b) = (self.expr(&Ty::Int, depth), self.expr(&Ty::Int, depth));
        Some(match self.random.below(18) {
            0 | 1 => format!("({a} + {b})"),
            2 => format!("({a} - {b})"),
            3 if self.random.one_in(3) => format!("({a} * {b})"),
            4 => format!("({a} / {})", 1 + self.random.below(5)),
            5 => format!("({a} % {})", 1 + self.random.below(5)),
            6 if self.random.one_in(6) => format!("({a} / {b})"),
            7 => format!("({a} {} {b})", self.random.word(&["&", "|", "^"])),
            8 => format!("({a} {} {})", self.random.word(&["<<", ">>"]), self.random.below(70)),
            9 if self.random.one_in(2) => format!("(-{a})"),
            10 | 11 => {
                let text = self.sure(&Ty::String, depth);
                format!("{text}.{}()", self.random.word(&["len", "char_count"]))
            }
            12 => {
                let list =
                    self.var(|var| matches!(var.ty, Ty::List(_) | Ty::Map(..) | Ty::Set(_)))?;
                format!("{}.len()", list.name)
            }
            13 => {
                let list = self.var(|var| var.ty == Ty::list(Ty::Int))?;
                format!("({}.{}() ?? {a})", list.name, self.random.word(&["min", "max", "first"]))
            }
            14 => format!("clamp({a}, 0, 9)"),
            15 => format!("({}).to_int()", self.sure(&Ty::Float, depth)),
            16 => format!("(1..{}).sum()", self.random.below(5)),
            _ => format!("({a} {} {b})", self.random.word(&["+%", "-%", "*%"])),
        })
    }

    fn float_expr(&mut self, depth: usize) -> Option<String> {
        let (a, b) = (self.sure(&Ty::Float, depth), self.sure(&Ty::Float, depth));
        Some(match self.random.below(6) {
            0..=2 => format!("({a} {} {b})", self.random.word(&["+", "-", "*", "/"])),
            3 => format!("(-{a})"),
            4 => {
                let what = self.random.word(&["floor", "ceil", "round", "trunc", "sqrt", "abs"]);
                format!("({a}).{what}()")
            }
            _ => format!("({}).to_float()", self.sure(&Ty::Int, depth)),
        })
    }

    fn bool_expr(&mut self, depth: usize) -> Option<String> {
        Some(match self.random.below(10) {
            0 | 1 => {
                let op = self.random.word(&["and", "or"]);
                format!("({} {op} {})", self.expr(&Ty::Bool, depth), self.expr(&Ty::Bool, depth))
            }
            2 => format!("(not {})", self.expr(&Ty::Bool, depth)),
            3 | 4 => {
                let ty = self.ty(2, true);
                let op = self.random.word(&["==", "!=", "<", "<=", ">", ">="]);
                format!("({} {op} {})", self.sure(&ty, depth), self.sure(&ty, depth))
            }
            5 => {
                let var = self.var(|var| !matches!(var.ty, Ty::Fn(..)))?;
                if var.ty.has_fn() {
                    return None;
                }
                format!("({} == {})", var.name, self.sure(&var.ty, depth))
            }
            6 => {
                let var = self.var(|var| !matches!(var.ty, Ty::Fn(..)))?;
                let mut binds = Vec::new();
                let pattern = self.pattern(&var.ty, 2, &mut binds);
                format!("({} is {pattern})", var.name)
            }
            7 => {
                let list = self.var(|var| matches!(&var.ty, Ty::List(_)))?;
                let Ty::List(of) = &list.ty else { return None };
                let test = self.closure(&[Ty::clone(of)], &Ty::Bool, false, depth);
                format!("{}.{}({test})", list.name, self.random.word(&["any", "all"]))
            }
            8 => {
                let is = |var: &Var| matches!(var.ty, Ty::List(_) | Ty::Set(_) | Ty::Map(..));
                let list = self.var(is)?;
                let (Ty::List(of) | Ty::Set(of) | Ty::Map(of, _)) = &list.ty else { return None };
                if of.has_fn() {
                    return None;
                }
                format!("({} in {})", self.sure(of, depth), list.name)
            }
            _ => format!("({} in 0..5)", self.expr(&Ty::Int, depth)),
        })
    }

    fn string_expr(&mut self, depth: usize) -> Option<String> {
        let text = self.sure(&Ty::String, depth);
        Some(match self.random.below(9) {
            0..=3 => {
                let mut parts = String::new();
                for _ in 0..1 + self.random.below(3) {
                    let var = self.var(|var| !matches!(var.ty, Ty::Fn(..)))?;
                    let format = match &var.ty {
                        Ty::Int => self.random.word(&["", ":>5", ":03", ":x", ":+", ":b"]),
                        Ty::Float => self.random.word(&["", ":.2", ":8.1"]),
                        Ty::String => self.random.word(&["", ":^7", ":<4"]),
                        _ => "",
                    };
                    parts.push_str(&format!("{{{}{format}}} ", var.name));
                }
                format!("f\"{parts}{{{{\"")
            }
            4 => format!("{text}.{}()", self.random.word(&["upper", "trim", "reversed", "lower"])),
            5 => format!("{text}.replace(\"l\", {})", self.expr(&Ty::String, depth)),
            6 => format!("{text}.repeat({})", self.random.below(3)),
            7 => {
                let list = self.var(|var| matches!(&var.ty, Ty::List(_)))?;
                format!("{}.join(\"; \")", list.name)
            }
            _ => {
                let at = self.random.below(3);
                format!("{text}[0..min({at}, {})]", if self.random.one_in(5) { "9" } else { "0" })
            }
        })
    }

    fn list_expr(&mut self, of: &Ty, depth: usize) -> Option<String> {
        let own = self.sure(&Ty::list(of.clone()), depth);
        Some(match self.random.below(9) {
            0 | 1 => {
                let list = self.var(|var| matches!(&var.ty, Ty::List(_)))?;
                let Ty::List(from) = &list.ty else { return None };
                let f = self.closure(&[Ty::clone(from)], of, false, depth);
                format!("{}.map({f})", list.name)
            }
            2 => {
                let f = self.closure(std::slice::from_ref(of), &Ty::Bool, false, depth);
                format!("{own}.filter({f})")
            }
            3 if of.is_key(&self.decls) => {
                format!("{own}.{}()", self.random.word(&["sorted", "unique"]))
            }
            4 => format!("{own}.{}({})", self.random.word(&["take", "drop"]), self.random.below(3)),
            5 => format!("{own}.concat({})", self.expr(&Ty::list(of.clone()), depth)),
            6 => format!("{own}.reversed()"),
            7 => format!("List.filled({}, {})", self.random.below(4), self.expr(of, depth)),
            _ => {
                let key = self.closure(std::slice::from_ref(of), &Ty::Int, false, depth);
                format!("{own}.sorted(by: {key})")
            }
        })
    }

    fn option_expr(&mut self, of: &Ty, depth: usize) -> Option<String> {
        Some(match self.random.below(4) {
            0 => {
                let list = self.sure(&Ty::list(of.clone()), depth);
                format!("{list}.{}()", self.random.word(&["first", "last"]))
            }
            1 => {
                let list = self.var(|var| var.ty == Ty::list(of.clone()))?;
                let f = self.closure(std::slice::from_ref(of), &Ty::Bool, false, depth);
                format!("{}.find({f})", list.name)
            }
            2 => {
                let option = self.var(|var| matches!(&var.ty, Ty::Option(_)))?;
                let Ty::Option(from) = &option.ty else { return None };
                let f = self.closure(&[Ty::clone(from)], of, false, depth);
                format!("{}.map({f})", option.name)
            }
            _ => format!("Some({})", self.expr(of, depth)),
        })
    }
}
