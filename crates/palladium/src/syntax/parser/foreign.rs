//! Words and signs of other languages: what they are here is told, and reading goes on as if that
//! had been written.

use super::{Mark, Parser};
use crate::diag::Problem;
use crate::syntax::ast::{Expr, ExprKind, Ident, Pattern, PatternKind, StmtKind, Var};
use crate::syntax::token::{Kind, Token};
use crate::syntax::tree::NodeKind;

/// Words that declare something elsewhere, and the word for it here.
const WORDS: &[(&str, &str, Kind)] = &[
    ("case", "match", Kind::Match),
    ("class", "record", Kind::Record),
    ("def", "fn", Kind::Fn),
    ("fun", "fn", Kind::Fn),
    ("func", "fn", Kind::Fn),
    ("function", "fn", Kind::Fn),
    ("interface", "record", Kind::Record),
    ("local", "let", Kind::Let),
    ("process", "actor", Kind::Actor),
    ("static", "const", Kind::Const),
    ("struct", "record", Kind::Record),
    ("switch", "match", Kind::Match),
    ("type", "alias", Kind::Alias),
    ("use", "import", Kind::Import),
    ("val", "let", Kind::Let),
];

/// Words that stand before declarations elsewhere, and what is written there.
const MODIFIERS: &[(&str, &str)] = &[
    ("abstract", ""),
    ("async", ""),
    ("data", ""),
    ("export", "pub "),
    ("final", ""),
    ("inline", ""),
    ("internal", ""),
    ("local", ""),
    ("open", ""),
    ("override", ""),
    ("private", ""),
    ("protected", ""),
    ("public", "pub "),
    ("sealed", ""),
];

/// Words that stand before a value elsewhere, and what to do instead.
const PREFIXES: &[(&str, &str)] = &[
    ("async", "leave it out: `task(fn() => f(x))` runs beside"),
    ("await", "leave it out: what waits does so without a word"),
    ("move", "leave it out: a closure takes what it uses as it is"),
    ("new", "leave it out: a record is made by `Name(field: value)`"),
];

/// Words that begin a statement or an expression elsewhere, and what to write instead.
const STATEMENTS: &[(&str, &str)] = &[
    ("defer", "write it where it is to be done; an actor has `on stop()` for the end"),
    ("defmodule", "leave it out: a file is a module"),
    ("del", "write `xs.remove(i)`, `m.remove(key)`"),
    ("delete", "write `xs.remove(i)`, `m.remove(key)`"),
    ("go", "a process begins with `spawn f(x)` or `task(fn() => f(x))`"),
    ("impl", "functions stand beside types: `fn area(self: Shape) { … }`"),
    ("lambda", "write `fn(x) => x + 1`"),
    ("mod", "write `import name` for the file `name.pd`"),
    ("module", "leave it out: a file is a module"),
    ("namespace", "leave it out: a file is a module"),
    ("object", "functions and constants stand at the top of a file"),
    ("package", "leave it out: a file is a module"),
    ("throw", "an error is a value: `return Err(…)`, or end with `panic(…)`"),
    ("repeat", "write `loop { … if done { break } }`"),
    ("raise", "an error is a value: `return Err(…)`, or end with `panic(…)`"),
    ("trait", "there are none; a type parameter has bounds: `[T: Ord]`"),
    ("try", "errors are values: `f()?`, or `match f() { Ok(x) => … Err(e) => … }`"),
    ("with", "leave it out: files close by themselves, errors are passed on by `f()?`"),
    ("typeof", "every type is known without it; `match` takes an enum apart"),
    ("unless", "write `if not x { … }`"),
    ("until", "write `while not x { … }`"),
];

/// Tokens in which a loop in three parts has its first `;`.
const MAX_HEAD: usize = 50;

impl Parser<'_> {
    /// Tells that a word is of another language, and what to write for it.
    pub(super) fn instead(&mut self, token: Token, right: &str) {
        let text = self.text_of(token);
        let message = format!("`{text}` is no word of the language");
        let place = self.report.place(token.span());
        let problem = self.problem("foreign-word", token.span(), message);
        self.report.push(problem.label(format!("is `{right}` here")).fix(place, right));
    }

    /// Makes the current word the one that it stands for, when what follows shows that it is meant.
    pub(super) fn foreign_word(&mut self) {
        let token = self.token();
        let next = self.ahead(1);
        let declares = next.kind.is_name()
            || matches!(next.kind, Kind::TypeName | Kind::SelfWord)
            || next.kind == Kind::LParen && (self.at_receiver() || self.at_pair_of_names());
        if token.kind != Kind::Name || next.newline || !declares || self.at_use_arrow() {
            return;
        }
        let text = self.text_of(token);
        if text == "type" && self.text_of(self.ahead(2)) == "struct" {
            self.instead(token, "record");
            self.tokens[self.at].kind = Kind::Record;
            return;
        }
        if text == "type" && self.ahead(2).kind == Kind::LBrace {
            self.instead(token, "enum");
            self.tokens[self.at].kind = Kind::Enum;
            return;
        }
        let found = WORDS.iter().find(|(word, ..)| *word == text);
        if let Some((_, right, kind)) = found {
            self.instead(token, right);
            self.tokens[self.at].kind = *kind;
        }
    }

    /// Whether `val (a, b) =` is here.
    fn at_pair_of_names(&self) -> bool {
        self.text_of(self.token()) == "val" && self.ahead(self.closing(1) + 1).kind == Kind::Eq
    }

    /// Whether `when (x) {` or `switch (x) {` is here.
    fn at_foreign_match(&self) -> bool {
        self.next_kind() == Kind::LParen
            && matches!(self.text_of(self.token()), "when" | "switch")
            && self.ahead(self.closing(1) + 1).kind == Kind::LBrace
    }

    /// Whether an arm begins here with `else` for its pattern.
    pub(super) fn at_else_arm(&self) -> bool {
        self.is_at(Kind::Else) && matches!(self.next_kind(), Kind::Arrow | Kind::FatArrow)
    }

    /// `else` or `default` for the arm that takes what is left.
    pub(super) fn else_as_pattern(&mut self) {
        let token = self.token();
        let arrow = matches!(self.next_kind(), Kind::Arrow | Kind::FatArrow | Kind::Colon);
        if !arrow || token.kind != Kind::Else && self.text_of(token) != "default" {
            return;
        }
        let place = self.report.place(token.span());
        let problem = self.problem("foreign-word", token.span(), "the arm for what is left is `_`");
        self.report.push(problem.label("is `_` here").fix(place, "_"));
        self.tokens[self.at].kind = Kind::Underscore;
    }

    /// A word before a declaration.
    pub(super) fn foreign_modifier(&mut self) {
        let (token, next) = (self.token(), self.ahead(1));
        let text = self.text_of(token);
        let Some((_, right)) = MODIFIERS.iter().find(|(word, _)| *word == text) else { return };
        let next_text = self.text_of(next);
        let item = matches!(
            next.kind,
            Kind::Fn | Kind::Record | Kind::Enum | Kind::Alias | Kind::Const | Kind::Actor
        );
        let declares =
            item || next.kind == Kind::Name && WORDS.iter().any(|(word, ..)| *word == next_text);
        if next.newline || !declares {
            return;
        }
        let message = format!("`{text}` is no word of the language");
        let problem = self.problem("foreign-word", token.span(), message);
        let place = self.report.place(token.start..next.start);
        let label = if right.is_empty() { "is not needed" } else { "is `pub` here" };
        self.report.push(problem.label(label).fix(place, *right));
        self.bump();
    }

    /// `when` before a guard
    pub(super) fn foreign_guard(&mut self) {
        let token = self.token();
        if self.text_of(token) == "when" && !token.newline {
            self.instead(token, "if");
            self.tokens[self.at].kind = Kind::If;
        }
    }

    /// `for {`
    pub(super) fn for_ever(&mut self) -> StmtKind {
        let token = self.bump();
        let mark = self.mark();
        let problem = self.problem("foreign-loop", token.span(), "a `for` runs over something");
        let place = self.report.place(token.span());
        self.report.push(problem.label("is `loop` here").fix(place, "loop"));
        let kind = ExprKind::Loop(self.block());
        StmtKind::Expr(Expr { span: self.close(mark, NodeKind::Expr), kind })
    }

    /// `.` between the names of a path, for which `/` or `::` may stand.
    pub(super) fn dot_in_path(&mut self) {
        self.dot_for_colons();
        let token = self.token();
        if token.kind == Kind::Slash && self.ahead(1).kind.is_name() && !token.newline {
            let place = self.report.place(token.span());
            let message = "the parts of a module's name are joined by dots";
            let problem = self.problem("foreign-operator", token.span(), message);
            self.report.push(problem.label("is to be a dot").fix(place, "."));
            self.tokens[self.at].kind = Kind::Dot;
        }
    }

    /// `case` before a pattern.
    pub(super) fn old_case(&mut self) {
        let (token, next) = (self.token(), self.ahead(1));
        let pattern = super::pattern::begins_pattern(next.kind) && next.kind != Kind::LParen;
        if token.kind != Kind::Name || self.text_of(token) != "case" || !pattern || next.newline {
            return;
        }
        let place = self.report.place(token.start..next.start);
        let problem = self.problem("foreign-word", token.span(), "an arm begins with its pattern");
        self.report.push(problem.label("is not needed").fix(place, ""));
        self.bump();
    }

    /// Whether what follows `for` is `(var i = 0; …` or `i = 0; …`.
    pub(super) fn at_counting_for(&self) -> bool {
        let round = usize::from(self.is_at(Kind::LParen));
        let declared = usize::from(matches!(self.ahead(round).kind, Kind::Var | Kind::Let));
        let name = round + declared;
        let equals = if self.ahead(name + 1).kind == Kind::Colon { name + 3 } else { name + 1 };
        let begins = self.ahead(name).kind.is_name() && self.ahead(equals).kind == Kind::Eq;
        let head = (equals..equals + MAX_HEAD).map(|ahead| self.ahead(ahead).kind);
        begins && head.take_while(|kind| *kind != Kind::LBrace).any(|kind| kind == Kind::Semicolon)
    }

    /// A loop in three parts. Its block is read as that of a loop over a range.
    pub(super) fn counting_for(&mut self) -> (Pattern, Expr) {
        let start = self.token();
        let mut ahead = 0;
        while !self.ahead(ahead).kind.is_name() {
            ahead += 1;
        }
        let name = self.ahead(ahead);
        self.skip_until(|parser| parser.is_at(Kind::LBrace));
        let end = self.end_of_last();
        let problem =
            self.problem("foreign-loop", start.start..end, "a loop is written `for x in xs`");
        let text = self.text_of(name);
        let help = format!("write `for {text} in 0..n {{ … }}`, or `while`");
        self.report.push(problem.label("counts in three parts").help(help));
        let pattern = Pattern { span: name.span(), kind: PatternKind::Bind(self.ident(name)) };
        (pattern, Expr { span: end..end, kind: ExprKind::Error })
    }

    /// A function in a record or enum: it is told of, and left out.
    pub(super) fn function_in_type(&mut self) -> bool {
        let (token, next) = (self.token(), self.ahead(1));
        if token.kind != Kind::Fn || !next.kind.is_name() {
            return false;
        }
        self.bump();
        let function = self.function(None, true);
        let problem = self.problem(
            "misplaced-item",
            token.span(),
            "functions stand beside types, not in them",
        );
        let help = format!("write it after the `}}`: `fn {}(self: TYPE, …)`", function.name.text);
        self.report.push(problem.label("is in a type").help(help));
        true
    }

    /// Whether `elif` is here.
    pub(super) fn at_elif(&self) -> bool {
        matches!(self.text_of(self.token()), "elif" | "elsif" | "elseif")
    }

    pub(super) fn elif(&mut self) -> Expr {
        let mark = self.mark();
        self.instead(self.token(), "else if");
        let kind = self.nested(Self::if_).unwrap_or(ExprKind::Error);
        Expr { span: self.close(mark, NodeKind::Expr), kind }
    }

    /// `name = value` as an argument
    pub(super) fn label_with_equals(&mut self, label: Expr) -> (Option<Ident>, Expr) {
        let token = self.token();
        let ExprKind::Name(name) = &label.kind else {
            return (None, label);
        };
        let name = name.clone();
        self.bump();
        let place = self.report.place(label.span.end..token.end);
        let problem = self.problem("label", token.span(), "the label of an argument ends with `:`");
        self.report.push(problem.label("is to be `:`").fix(place, ":"));
        (Some(name), self.expr())
    }

    /// `let mut x = 1`, behind the `let`
    pub(super) fn let_mut(&mut self) -> Option<Var> {
        let (token, next) = (self.token(), self.ahead(1));
        if self.text_of(token) != "mut" || !next.kind.is_name() {
            return None;
        }
        let start = self.tokens[self.at - 1].start;
        let place = self.report.place(start..token.end);
        let problem =
            self.problem("foreign-word", token.span(), "`mut` is no word of the language");
        self.report
            .push(problem.label("is `var` here").help("write `var x = …`").fix(place, "var"));
        Some(self.var())
    }

    /// `inout`, `mut` or `&` before a parameter
    pub(super) fn foreign_inout(&mut self) -> bool {
        let (token, next) = (self.token(), self.ahead(1));
        let named = next.kind.is_name() || next.kind == Kind::SelfWord;
        let word = matches!(self.text_of(token), "inout" | "mut" | "&");
        if word && named {
            self.bump();
            self.instead(token, "var");
            // `&mut x`
            if self.text_of(self.token()) == "mut" && self.ahead(1).kind != Kind::Colon {
                self.bump();
            }
        }
        word && named
    }

    /// What is probably meant when nothing can go on after the token before.
    pub(super) fn foreign_before(&self) -> Option<Problem> {
        let at = self.at.checked_sub(1)?;
        let (token, before) = (self.tokens[at], at.checked_sub(1).map(|at| self.tokens[at]));
        if token.kind == Kind::Question && before.is_some_and(|before| before.end < token.start) {
            let problem = self.problem("foreign-operator", token.span(), "there is no `a ? b : c`");
            return Some(problem.label("passes an error on").help("write `if a { b } else { c }`"));
        }
        None
    }

    /// A word of another language that begins a value or a statement, if it is here.
    pub(super) fn foreign_beginning(&mut self) -> Option<ExprKind> {
        let (token, next) = (self.token(), self.ahead(1));
        if self.at_foreign_match() {
            self.instead(token, "match");
            return Some(self.match_());
        }
        let before_value = match next.kind {
            // These may follow a name.
            Kind::LParen | Kind::LBracket | Kind::Minus | Kind::Bang | Kind::Amp => false,
            Kind::Within | Kind::After | Kind::Every | Kind::On => false,
            Kind::LBrace | Kind::Colon => self.begins_value(),
            kind => kind.begins_expr(),
        };
        if next.newline || !before_value {
            return None;
        }
        let text = self.text_of(token);
        let of = |words: &[(&str, &'static str)]| {
            words.iter().find(|(word, _)| *word == text).map(|(_, help)| *help)
        };
        let (prefix, statement) = (of(PREFIXES), of(STATEMENTS));
        let help = prefix.or(statement)?;
        let message = format!("`{text}` is no word of the language");
        let problem = self.problem("foreign-word", token.span(), message);
        self.bump();
        if prefix.is_some() {
            let place = self.report.place(token.start..next.start);
            self.report.push(problem.label("is not needed").help(help).fix(place, ""));
            return Some(self.bare_operand().kind);
        }
        self.tell(problem.label("is taken for a name").help(help));
        Some(ExprKind::Error)
    }

    /// Whether the current token is the first of a value, so that a brace after it begins no block of
    /// what stands before.
    fn begins_value(&self) -> bool {
        let before = self.at.checked_sub(1).map(|at| self.tokens[at].kind);
        self.at == self.line || matches!(before, Some(Kind::Eq | Kind::FatArrow | Kind::Return))
    }

    /// What is probably meant by a sign that cannot go on with what stands before it.
    pub(super) fn foreign_sign(&mut self) -> Option<Problem> {
        let token = self.token();
        let before = self.at.checked_sub(1).map(|at| self.tokens[at])?;
        let problem = |name, message: &str| Some(self.problem(name, token.span(), message));
        match token.kind {
            Kind::FatArrow => Some(
                problem("foreign-closure", "a closure begins with `fn`")?
                    .label("has no `fn (…)` before it")
                    .help("write `fn(x) => x + 1`"),
            ),
            Kind::LBrace if before.kind == Kind::TypeName => {
                let inner = token.end..self.ahead(self.closing(0)).start;
                let fields = self.source(&inner).trim().trim_end_matches(',');
                let shown = !fields.contains('\n') && fields.len() < 40;
                let fields = if shown { fields } else { "field: value" };
                let name = self.text_of(before);
                Some(
                    problem("foreign-record", "a record is made with parentheses")?
                        .label("begins a block")
                        .help(format!("write `{name}({fields})`")),
                )
            }
            Kind::Eq => Some(
                problem("assignment", "an assignment is no expression")?
                    .label("assigns")
                    .help("two values are compared with `==`")
                    .fix(self.report.place(token.span()), "=="),
            ),
            _ => None,
        }
    }

    /// `i++`, after which nothing can stand
    fn increment(&mut self, plus: Token) -> ExprKind {
        let message = format!("there is no `{0}{0}`", self.text_of(plus));
        let op = self.text_of(plus);
        let problem = self.problem("increment", plus.span(), message);
        self.tell(problem.label("has nothing after it").help(format!("write `x {op}= 1`")));
        ExprKind::Error
    }

    /// Tells that an expression is missing here.
    pub(super) fn no_expr(&mut self) -> ExprKind {
        let token = self.token();
        let before = self.at.checked_sub(1).map(|at| self.tokens[at]);
        let twice = before.is_some_and(|before| {
            before.kind == token.kind && before.end == token.start && token.kind == Kind::Plus
        });
        match token.kind {
            Kind::Plus if twice => return self.increment(token),
            Kind::Error => {
                self.bump();
                self.lost = true;
            }
            Kind::LBrace => return self.braces_as_value(),
            Kind::Colon => self.colon_as_value(),
            // `%{name: "Ann"}`
            Kind::Percent if self.next_kind() == Kind::LBrace && self.joined() => {
                self.bump();
                return self.braces_as_value();
            }
            Kind::DotDot | Kind::DotDotEq => {
                let problem = self.problem("open-range", token.span(), "a range has a beginning");
                self.tell(problem.label("needs a value before it").help("write `0..n`"));
            }
            Kind::Let if matches!(before, Some(Token { kind: Kind::If | Kind::While, .. })) => {
                let problem = self.problem("foreign-let", token.span(), "a condition has no `let`");
                self.tell(problem.label("begins a statement").help("write `value is Some(x)`"));
            }
            Kind::Let | Kind::Var | Kind::While | Kind::For | Kind::Assert if !token.newline => {
                let message = format!("{} is no expression", token.kind.name());
                let problem = self.problem("statement-as-value", token.span(), message);
                self.tell(problem.label("begins a statement").help("give it a line of its own"));
            }
            kind if kind.is_reserved() && !token.newline && self.stands_alone() => {
                return ExprKind::Name(self.reserved());
            }
            _ => self.unexpected("an expression"),
        }
        ExprKind::Error
    }

    /// Whether what follows the current word shows that it is used as a name.
    fn stands_alone(&self) -> bool {
        let next = self.next_kind();
        next.is_assignment()
            || next.closes()
            || matches!(next, Kind::Comma | Kind::Dot | Kind::Plus | Kind::Minus | Kind::Star)
    }

    /// A map or record between braces.
    fn braces_as_value(&mut self) -> ExprKind {
        let token = self.token();
        let problem = self.problem("braces", token.span(), "braces stand only round blocks");
        self.tell(
            problem
                .label("begins a block")
                .help("a map is written `[key: value]`, a record `Name(field: value)`"),
        );
        self.bump();
        self.skip_until(|_| false);
        self.bump();
        ExprKind::Error
    }

    /// A sign for `=>` after a pattern.
    pub(super) fn arm_arrow(&mut self) {
        if self.eat(Kind::FatArrow) {
            return;
        }
        let token = self.token();
        let foreign = matches!(token.kind, Kind::Arrow | Kind::Colon | Kind::Eq);
        if !foreign {
            return self.unexpected("`=>`");
        }
        self.bump();
        let place = self.report.place(token.span());
        let problem =
            self.problem("arm-arrow", token.span(), "pattern and body are joined by `=>`");
        self.report.push(problem.label("is to be `=>`").fix(place, "=>"));
    }

    /// The `=>` of a closure.
    pub(super) fn closure_arrow(&mut self) {
        let token = self.token();
        if token.kind != Kind::Arrow {
            return self.arm_arrow();
        }
        self.bump();
        let place = self.report.place(token.span());
        let message = "parameters and body are joined by `=>`";
        let problem = self.problem("arm-arrow", token.span(), message);
        self.report.push(problem.label("is to be `=>`").fix(place, "=>"));
    }

    /// `x = y` where a condition is expected
    pub(super) fn assignment_in_condition(&mut self, mark: Mark, left: Expr) -> Expr {
        let token = self.bump();
        let place = self.report.place(token.span());
        let problem = self.problem("assignment", token.span(), "values are compared with `==`");
        let problem = problem.label("assigns").help("write `==`");
        self.report.push(problem.fix(place, "=="));
        let right = self.expr();
        let op = crate::syntax::ast::BinaryOp::Eq;
        let (left, right) = (Box::new(left), Box::new(right));
        let kind = ExprKind::Binary { op, op_span: token.span(), left, right };
        Expr { span: self.close(mark, NodeKind::Binary), kind }
    }

    /// `:=` or `==` where a value is given
    pub(super) fn equals_for_assignment(&mut self) -> bool {
        let token = self.token();
        if token.kind != Kind::EqEq || self.at_break() {
            return false;
        }
        let place = self.report.place(token.span());
        let problem = self.problem("comparison", token.span(), "a value is given with `=`");
        self.report.push(problem.label("compares").fix(place, "="));
        true
    }
}
