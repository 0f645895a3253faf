//! Statements.

use super::pattern::Binds;
use super::types::{Signature, Ty};
use super::writer::{Var, Writer};

/// How deep expressions of statements are.
const DEPTH: usize = 2;

impl Writer {
    /// Some statements, each with its newline. What they declare stays in scope.
    pub(super) fn stmts(&mut self, most: usize) -> String {
        let mut text = String::new();
        for _ in 0..1 + self.random.below(most + 1) {
            if self.budget <= 0 {
                break;
            }
            self.budget -= 1;
            if let Some(stmt) = self.stmt() {
                text.push_str(&stmt);
                text.push('\n');
            }
        }
        text
    }

    /// `{ … }`
    fn body(&mut self, most: usize) -> String {
        let mark = self.vars.len();
        let text = format!("{{\n{}}}", self.stmts(most));
        self.vars.truncate(mark);
        text
    }

    fn loop_body(&mut self, most: usize) -> String {
        self.frames.iter_mut().last().into_iter().for_each(|frame| frame.loops += 1);
        let text = self.body(most);
        self.frames.iter_mut().last().into_iter().for_each(|frame| frame.loops -= 1);
        text
    }

    fn stmt(&mut self) -> Option<String> {
        match self.random.below(30) {
            0..=3 => Some(self.declaration()),
            4..=8 => self.assignment(),
            9..=14 => self.change(),
            15 | 16 => {
                let var = self.var(|_| true)?;
                Some(format!("print({})", var.name))
            }
            17 | 18 => {
                let condition = self.expr(&Ty::Bool, DEPTH);
                let then = self.body(3);
                let other = match self.random.one_in(2) {
                    true => format!(" else {}", self.body(2)),
                    false => String::new(),
                };
                Some(format!("if {condition} {then}{other}"))
            }
            19 => {
                let var = self.var(|var| !matches!(var.ty, Ty::Fn(..)))?;
                let mut binds = Binds::new();
                let pattern = self.pattern(&var.ty, 3, &mut binds);
                let mark = self.vars.len();
                binds.iter().for_each(|(name, ty)| self.declare(name, ty, false));
                let more = match self.random.one_in(3) {
                    true => format!(" and {}", self.expr(&Ty::Bool, 1)),
                    false => String::new(),
                };
                let body = self.body(3);
                self.vars.truncate(mark);
                Some(format!("if {} is {pattern}{more} {body}", var.name))
            }
            20 | 21 => {
                let var = self.var(|var| !matches!(var.ty, Ty::Fn(..)))?;
                let arms = self.arms(&var.ty, 1, |writer| writer.body(2));
                Some(format!("match {} {{\n{arms}}}", var.name))
            }
            22..=24 => self.a_loop(),
            25 | 26 => {
                let functions = self.functions.clone();
                let with =
                    |signature: &&Signature| signature.params.iter().any(|param| param.inout);
                let fitting: Vec<&Signature> = functions.iter().filter(with).collect();
                let signature = (*self.random.pick(&fitting)?).clone();
                let arg = self.ty(1, true);
                let call = self.call_of(&signature, &arg, DEPTH)?;
                Some(match signature.result {
                    Ty::Unit => call,
                    _ => format!("print({call})"),
                })
            }
            27 => {
                let list = self.var(|var| matches!(&var.ty, Ty::List(_)))?;
                let Ty::List(of) = &list.ty else { return None };
                let f = self.closure(&[Ty::clone(of)], &Ty::Unit, false, DEPTH);
                Some(format!("{}.each({f})", list.name))
            }
            28 => self.leave(),
            _ => {
                let ty = self.ty(1, true);
                let value = self.sure(&ty, 1);
                Some(format!("assert {value} == {}", self.sure(&ty, 1)))
                    .filter(|_| self.random.one_in(10))
            }
        }
    }

    pub(super) fn declaration(&mut self) -> String {
        let ty = match self.random.one_in(12) {
            true => {
                let params = (0..self.random.below(3)).map(|_| self.ty(1, false)).collect();
                Ty::Fn(params, Box::new(self.ty(1, false)))
            }
            false => self.ty(2, false),
        };
        let value = self.expr(&ty, DEPTH + 1);
        if let (Ty::Tuple(_), true) = (&ty, self.random.one_in(2)) {
            let mut binds = Binds::new();
            let pattern = self.anything(&ty, &mut binds);
            let text = format!("let {pattern}: {} = {value}", self.text(&ty));
            binds.iter().for_each(|(name, ty)| self.declare(name, ty, false));
            return text;
        }
        // A name that is known hides what it was.
        let old = self.var(|var| var.name.starts_with('v')).filter(|_| self.random.one_in(5));
        let name = old.map_or_else(|| self.name("v"), |var| var.name);
        let mutable = !self.random.one_in(3) && !matches!(ty, Ty::Fn(..));
        let word = if mutable { "var" } else { "let" };
        let text = format!("{word} {name}: {} = {value}", self.text(&ty));
        self.declare(&name, &ty, mutable);
        text
    }

    /// A place in a variable, and what is in it.
    fn place(&mut self, ty: Option<&Ty>) -> Option<(String, Ty)> {
        let var = self.changeable(|_| true)?;
        let (mut path, mut of) = (var.name, var.ty);
        for _ in 0..3 {
            if ty.is_none_or(|ty| *ty == of) && self.random.one_in(2) {
                break;
            }
            (path, of) = match &of {
                Ty::Tuple(parts) => {
                    let nth = self.random.below(parts.len());
                    (format!("{path}.{nth}"), parts[nth].clone())
                }
                Ty::Named(id, arg) if self.decls[*id].record => {
                    let fields = self.decls[*id].variants[0].fields.clone();
                    let (label, part) = self.random.pick(&fields)?;
                    let part = arg.as_deref().map_or_else(|| part.clone(), |arg| part.with(arg));
                    (format!("{path}.{}", label.as_deref()?), part)
                }
                Ty::List(part) if self.random.one_in(2) => {
                    let index = match self.random.one_in(3) {
                        true => self.expr(&Ty::Int, 1),
                        false => self.random.below(2).to_string(),
                    };
                    (format!("{path}[{index}]"), Ty::clone(part))
                }
                Ty::Map(key, value) => {
                    let (key, default) = (self.expr(key, 1), self.expr(value, 1));
                    (format!("{path}[{key}, default: {default}]"), Ty::clone(value))
                }
                _ => break,
            };
        }
        ty.is_none_or(|ty| *ty == of).then_some((path, of))
    }

    fn assignment(&mut self) -> Option<String> {
        let (place, ty) = self.place(None)?;
        let value = self.expr(&ty, DEPTH);
        Some(match ty {
            Ty::Int if self.random.one_in(2) => {
                format!("{place} {} {value}", self.random.word(&["+=", "-=", "^=", "+%=", "*%="]))
            }
            _ => format!("{place} = {value}"),
        })
    }

    /// A method that changes something.
    fn change(&mut self) -> Option<String> {
        let (place, ty) = self.place(None)?;
        Some(match &ty {
            Ty::List(of) => match self.random.below(10) {
                0..=3 => format!("{place}.push({})", self.expr(of, DEPTH)),
                4 => format!("print({place}.pop())"),
                5 => format!("{place}.insert(0, {})", self.expr(of, DEPTH)),
                6 => format!("{place}.extend({})", self.expr(&ty, DEPTH)),
                7 if of.is_key(&self.decls) => format!("{place}.sort()"),
                8 => format!("{place}.truncate({})", self.random.below(4)),
                _ => format!("{place}.reverse()"),
            },
            Ty::Map(key, value) => {
                let key = self.expr(key, DEPTH);
                match self.random.one_in(3) {
                    true => format!("print({place}.remove({key}))"),
                    false => format!("{place}[{key}] = {}", self.expr(value, DEPTH)),
                }
            }
            Ty::Set(of) => {
                let what = self.random.word(&["add", "remove"]);
                format!("{place}.{what}({})", self.expr(of, DEPTH))
            }
            Ty::String => format!("{place}.push({})", self.expr(&Ty::String, DEPTH)),
            _ => {
                let other = self.changeable(|var| var.ty == ty && !place.starts_with(&var.name))?;
                format!("swap(&{place}, &{})", other.name)
            }
        })
    }

    fn a_loop(&mut self) -> Option<String> {
        let mark = self.vars.len();
        let text = match self.random.below(6) {
            0 | 1 => {
                let name = self.name("i");
                let (from, to) = (self.random.below(3), self.random.below(5));
                let dots = self.random.word(&["..", "..="]);
                self.declare(&name, &Ty::Int, false);
                format!("for {name} in {from}{dots}{to} {}", self.loop_body(3))
            }
            2 | 3 => {
                let over = |var: &Var| matches!(var.ty, Ty::List(_) | Ty::Set(_) | Ty::Map(..));
                let list = self.var(over)?;
                let of = match &list.ty {
                    Ty::List(of) | Ty::Set(of) => Ty::clone(of),
                    Ty::Map(key, value) => Ty::Tuple(vec![Ty::clone(key), Ty::clone(value)]),
                    _ => return None,
                };
                let mut binds = Binds::new();
                let pattern = self.anything(&of, &mut binds);
                binds.iter().for_each(|(name, ty)| self.declare(name, ty, false));
                format!("for {pattern} in {} {}", list.name, self.loop_body(3))
            }
            4 => {
                let name = self.name("n");
                let condition = self.expr(&Ty::Bool, DEPTH);
                self.declare(&name, &Ty::Int, false);
                let body = self.loop_body(3);
                let count = self.random.below(4);
                format!(
                    "var {name} = {count}\nwhile {name} > 0 and {condition} {{\n{name} -= 1\n{}",
                    body.trim_start_matches("{\n")
                )
            }
            _ => {
                let name = self.name("n");
                self.declare(&name, &Ty::Int, false);
                let body = self.loop_body(3);
                let count = self.random.below(4);
                format!(
                    "var {name} = 0\nloop {{\nif {name} >= {count} {{\nbreak\n}}\n{name} += 1\n{}",
                    body.trim_start_matches("{\n")
                )
            }
        };
        self.vars.truncate(mark);
        Some(text)
    }

    /// `return`, `break` and `continue`, under a condition.
    fn leave(&mut self) -> Option<String> {
        let condition = self.expr(&Ty::Bool, DEPTH);
        let frame = self.frames.last()?;
        let what = if frame.loops > 0 {
            self.random.word(&["break", "continue"]).to_owned()
        } else {
            match frame.result.clone()? {
                Ty::Unit => "return".to_owned(),
                ty => format!("return {}", self.expr(&ty, DEPTH)),
            }
        };
        Some(format!("if {condition} {{\n{what}\n}}"))
    }
}
