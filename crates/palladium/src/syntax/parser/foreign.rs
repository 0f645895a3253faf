//! Words and signs of other languages: what they are here is told, and reading goes on as if that
//! had been written.

use super::{Mark, Parser};
use crate::diag::Problem;
use crate::syntax::ast::{Expr, ExprKind, Generic, Ident, Pattern, PatternKind, Type, TypeKind};
use crate::syntax::token::{Kind, Token};
use crate::syntax::tree::NodeKind;

/// Words that declare something elsewhere, and the word for it here.
const WORDS: &[(&str, &str, Kind)] = &[
    ("class", "record", Kind::Record),
    ("def", "fn", Kind::Fn),
    ("fun", "fn", Kind::Fn),
    ("func", "fn", Kind::Fn),
    ("function", "fn", Kind::Fn),
    ("interface", "record", Kind::Record),
    ("process", "actor", Kind::Actor),
    ("struct", "record", Kind::Record),
    ("switch", "match", Kind::Match),
    ("type", "alias", Kind::Alias),
    ("use", "import", Kind::Import),
    ("val", "let", Kind::Let),
];

/// Words that stand before a value elsewhere, and what to do instead.
const PREFIXES: &[(&str, &str)] = &[
    ("await", "leave it out: what waits does so without a word"),
    ("new", "leave it out: a record is made by `Name(field: value)`"),
];

/// Words that begin a statement or an expression elsewhere, and what to write instead.
const STATEMENTS: &[(&str, &str)] = &[
    ("lambda", "write `fn(x) => x + 1`"),
    ("throw", "an error is a value: `return Err(…)`, or end with `panic(…)`"),
    ("raise", "an error is a value: `return Err(…)`, or end with `panic(…)`"),
    ("try", "errors are values: `f()?`, or `match f() { Ok(x) => … Err(e) => … }`"),
    ("unless", "write `if not x { … }`"),
    ("until", "write `while not x { … }`"),
];

/// Types of other languages.
const TYPES: &[(&str, &str)] = &[
    ("bool", "Bool"),
    ("boolean", "Bool"),
    ("bytes", "Bytes"),
    ("char", "Char"),
    ("dict", "Map"),
    ("double", "Float"),
    ("f64", "Float"),
    ("float", "Float"),
    ("i64", "Int"),
    ("int", "Int"),
    ("list", "List"),
    ("map", "Map"),
    ("set", "Set"),
    ("str", "String"),
    ("string", "String"),
    ("u64", "Int"),
];

/// Tokens in which a loop in three parts has its first `;`.
const MAX_HEAD: usize = 50;

impl Parser<'_> {
    /// Tells that a word is of another language, and what to write for it.
    fn instead(&mut self, token: Token, right: &str) {
        let text = self.text_of(token);
        let message = format!("`{text}` is no word of the language");
        let place = self.report.place(token.span());
        let problem = self.problem("foreign-word", token.span(), message);
        self.report.push(problem.label(format!("is `{right}` here")).fix(place, right));
    }

    /// The same of a sign.
    fn sign_instead(&mut self, token: Token, right: &str) {
        let text = self.text_of(token);
        let message = format!("`{text}` is no operator of the language");
        let place = self.report.place(token.span());
        let problem = self.problem("foreign-operator", token.span(), message);
        let problem = problem.label(format!("is written `{}`", right.trim()));
        self.report.push(problem.fix(place, right));
    }

    /// Makes the current word the one that it stands for, when what follows shows that it is meant.
    pub(super) fn foreign_word(&mut self) {
        let token = self.token();
        let next = self.ahead(1);
        let declares = next.kind.is_name() || matches!(next.kind, Kind::TypeName | Kind::SelfWord);
        if token.kind != Kind::Name || next.newline || !declares {
            return;
        }
        let text = self.text_of(token);
        let found = WORDS.iter().find(|(word, ..)| *word == text);
        if let Some((_, right, kind)) = found {
            self.instead(token, right);
            self.tokens[self.at].kind = *kind;
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

    /// `&&` and `||`
    pub(super) fn foreign_operator(&mut self, op: Token) {
        match op.kind {
            Kind::AmpAmp => self.sign_instead(op, "and"),
            Kind::BarBar => self.sign_instead(op, "or"),
            _ => {}
        }
    }

    /// `!x`
    pub(super) fn foreign_not(&mut self) {
        let token = self.bump();
        self.sign_instead(token, "not ");
    }

    /// `or` between two patterns
    pub(super) fn or_in_pattern(&mut self) {
        let token = self.bump();
        let message = "alternatives of a pattern are separated by `|`";
        let place = self.report.place(token.span());
        let problem = self.problem("foreign-operator", token.span(), message);
        self.report.push(problem.label("is `|` in a pattern").fix(place, "|"));
    }

    /// `x is not pattern`, after `is`
    pub(super) fn is_not(&mut self) {
        let token = self.bump();
        let problem = self.problem("foreign-operator", token.span(), "there is no `is not`");
        let problem = problem.label("belongs before the whole");
        self.report.push(problem.help("write `not (x is …)`"));
    }

    pub(super) fn tell_not_in(&mut self) {
        let token = self.bump();
        let problem = self.problem("foreign-operator", token.span(), "there is no `not in`");
        let problem = problem.label("belongs before the whole");
        self.report.push(problem.help("write `not (x in xs)`"));
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

    /// `let mut x`
    pub(super) fn let_mut(&mut self) {
        let (token, next) = (self.token(), self.ahead(1));
        if self.text_of(token) != "mut" || !next.kind.is_name() {
            return;
        }
        let start = self.tokens[self.at - 1].start;
        let place = self.report.place(start..token.end);
        let problem =
            self.problem("foreign-word", token.span(), "`mut` is no word of the language");
        self.report
            .push(problem.label("is `var` here").help("write `var x = …`").fix(place, "var"));
        self.bump();
    }

    /// `inout`, `mut` or `&` before a parameter
    pub(super) fn foreign_inout(&mut self) -> bool {
        let (token, next) = (self.token(), self.ahead(1));
        let named = next.kind.is_name() || next.kind == Kind::SelfWord;
        let word = matches!(self.text_of(token), "inout" | "mut" | "&");
        if word && named {
            self.bump();
            self.instead(token, "var");
        }
        word && named
    }

    /// `name:` before a block, or `:` before a result, for `->`
    pub(super) fn missing_arrow(&mut self) -> bool {
        let token = self.token();
        let next = self.ahead(1);
        let types = |kind| matches!(kind, Kind::TypeName | Kind::LParen);
        let colon = token.kind == Kind::Colon && types(next.kind) && !next.newline;
        if !colon && (token.kind != Kind::TypeName || self.at_break()) {
            return false;
        }
        let end = self.end_of_last();
        let problem = self.problem("missing-arrow", token.span(), "the result stands after `->`");
        let place = self.report.place(end..if colon { token.end } else { token.start });
        let fix = if colon { " ->" } else { " -> " };
        self.report.push(problem.label("needs a `->` before it").fix(place, fix));
        if colon {
            self.bump();
        }
        true
    }

    /// A type that begins with a lower-case letter.
    pub(super) fn lower_type(&mut self) -> TypeKind {
        let token = self.token();
        let known = TYPES.iter().find(|(foreign, _)| *foreign == self.text_of(token));
        let name = match known {
            Some((_, right)) => {
                self.bump();
                self.instead(token, right);
                Ident { text: (*right).into(), span: token.span() }
            }
            None => self.type_name("a type"),
        };
        let args = match self.kind() {
            Kind::LBracket => {
                let mark = self.mark();
                self.bump();
                let types = self.list(Kind::RBracket, |kind| kind == Kind::TypeName, Self::ty);
                self.close(mark, NodeKind::Args);
                types
            }
            Kind::Lt => self.angles(),
            _ => Vec::new(),
        };
        TypeKind::Named { module: None, name, args }
    }

    /// `[T]` for a list
    pub(super) fn bracketed(&mut self) -> TypeKind {
        let mark = self.mark();
        self.bump();
        let types = self.list(Kind::RBracket, |kind| kind == Kind::TypeName, Self::ty);
        let span = self.close(mark, NodeKind::Args);
        let problem = self.problem("list-type", span, "a type does not begin with `[`");
        self.report.push(problem.label("is no type").help("a list of numbers is a `List[Int]`"));
        drop(types);
        TypeKind::Error
    }

    fn told_angles(&mut self, start: Token) {
        let message = "type arguments stand between `[` and `]`";
        let problem = self.problem("angle-brackets", start.span(), message);
        self.report
            .push(problem.label("is to be `[`").help("write `List[Int]`, `fn max[T: Ord](…)`"));
    }

    /// `<A, B>` after the name of a type
    pub(super) fn angles(&mut self) -> Vec<Type> {
        let start = self.token();
        self.angle_list(start, Self::ty)
    }

    /// `<A, B>` after the name of what is declared
    pub(super) fn angle_generics(&mut self) -> Vec<Generic> {
        let start = self.token();
        self.angle_list(start, Self::generic)
    }

    fn angle_list<T>(&mut self, start: Token, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        self.bump();
        self.told_angles(start);
        let mut items = vec![item(self)];
        while self.eat(Kind::Comma) {
            items.push(item(self));
        }
        match self.kind() {
            // Of two that close, the first one is still to come.
            Kind::Shr => self.tokens[self.at].kind = Kind::Gt,
            Kind::Gt => {
                self.bump();
            }
            _ => self.unexpected("`]`"),
        }
        items
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
            return Some(self.primary());
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
                let name = self.text_of(before);
                Some(
                    problem("foreign-record", "a record is made with parentheses")?
                        .label("begins a block")
                        .help(format!("write `{name}(field: value)`")),
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
            Kind::Bar | Kind::BarBar => {
                let problem =
                    self.problem("foreign-closure", token.span(), "a closure begins with `fn`");
                self.tell(problem.label("begins no expression").help("write `fn(x) => x + 1`"));
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
        self.arm_arrow();
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
