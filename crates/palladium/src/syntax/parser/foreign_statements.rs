//! Statements of other languages that have no other beginning here: what is written for the whole
//! of each is told once.

use super::{Mark, Parser};
use crate::syntax::ast::{Expr, ExprKind, Pattern, PatternKind, StmtKind};
use crate::syntax::token::Kind;
use crate::syntax::tree::NodeKind;

/// Tokens of a line in which `use a, b <-` has its arrow.
const MAX_NAMES: usize = 12;

impl Parser<'_> {
    /// Whether what follows `for` stands in parentheses, or begins with a word that declares.
    pub(super) fn at_foreign_for(&self) -> bool {
        match self.kind() {
            Kind::Let | Kind::Var | Kind::Const => true,
            Kind::LParen => self.ahead(self.closing(0) + 1).kind == Kind::LBrace,
            _ => false,
        }
    }

    /// `(const x of xs)`, `(int x : xs)`, `(x in xs)`
    pub(super) fn foreign_for(&mut self) -> (Pattern, Expr) {
        let start = self.token().start;
        let round = self.eat(Kind::LParen);
        let outside = self.rounds;
        self.rounds |= round;
        let (token, next) = (self.token(), self.ahead(1));
        let typed = self.is_foreign_type(token) || token.kind == Kind::TypeName;
        if matches!(token.kind, Kind::Let | Kind::Var | Kind::Const) || typed && next.kind.is_name()
        {
            self.bump();
        }
        let mut pattern = self.loose_pattern();
        let mut shown = self.source(&pattern.span).to_owned();
        if let PatternKind::List { patterns, open: false } = pattern.kind {
            pattern.kind = PatternKind::Tuple(patterns);
            shown = format!("({})", shown.trim_matches(['[', ']']));
        }
        let token = self.token();
        if matches!(token.kind, Kind::In | Kind::Colon | Kind::Eq) || self.text_of(token) == "of" {
            self.bump();
        } else {
            self.unexpected("`in`");
        }
        let value = self.expr();
        self.rounds = outside;
        if round {
            self.expect(Kind::RParen);
        }
        // `0 until 10` is told with the rest.
        self.report.fold(&value.span, 0);
        let value_text = self.source(&value.span).replace(" until ", "..");
        let right = format!("{shown} in {value_text}");
        let span = start..self.end_of_last();
        let place = self.report.place(span.clone());
        let problem = self.problem("foreign-loop", span, "a loop is written `for x in xs`");
        let problem = problem.label(format!("is `{right}` here"));
        self.report.push(problem.fix(place, right));
        (pattern, value)
    }

    /// Whether `i = 1, 10` follows `for`.
    pub(super) fn at_numbers_for(&self) -> bool {
        let named = self.kind().is_name() && self.next_kind() == Kind::Eq;
        let head = (2..MAX_NAMES).map(|ahead| self.ahead(ahead).kind);
        named && head.take_while(|kind| *kind != Kind::LBrace).any(|kind| kind == Kind::Comma)
    }

    /// `for i = 1, 10`, which takes the last number as well.
    pub(super) fn numbers_for(&mut self) -> (Pattern, Expr) {
        let token = self.bump();
        self.bump();
        let mark = self.mark();
        let start = Box::new(self.expr());
        self.eat(Kind::Comma);
        let end = Box::new(self.expr());
        if self.eat(Kind::Comma) {
            self.expr();
        }
        let (from, to) = (self.source(&start.span), self.source(&end.span));
        let right = format!("{} in {from}..={to}", self.text_of(token));
        let span = token.start..self.end_of_last();
        let place = self.report.place(span.clone());
        let problem = self.problem("foreign-loop", span, "a loop is written `for x in xs`");
        self.report.push(problem.label(format!("is `{right}` here")).fix(place, right));
        let pattern = Pattern { span: token.span(), kind: PatternKind::Bind(self.ident(token)) };
        let kind = ExprKind::Range { start, end, inclusive: true };
        (pattern, Expr { span: self.span(mark), kind })
    }

    /// Whether `MAX =` follows `let`.
    pub(super) fn at_capitals(&self) -> bool {
        let token = self.token();
        let capital = |byte: u8| !byte.is_ascii_lowercase();
        token.kind == Kind::TypeName
            && matches!(self.next_kind(), Kind::Eq | Kind::Colon)
            && token.end - token.start > 1
            && self.text_of(token).bytes().all(capital)
    }

    pub(super) fn capitals(&mut self) -> Pattern {
        let name = self.declared_name("a name");
        Pattern { span: name.span.clone(), kind: PatternKind::Bind(name) }
    }

    /// Whether `x, err := f()` or `a, b = f()` is here.
    pub(super) fn at_several_names(&self) -> bool {
        let named = |ahead: usize| {
            let token = self.ahead(ahead);
            (token.kind.is_name() || token.kind == Kind::Underscore)
                && (ahead == 0 || !token.newline)
        };
        let mut ahead = 0;
        while named(ahead) && self.ahead(ahead + 1).kind == Kind::Comma && ahead < MAX_NAMES {
            ahead += 2;
        }
        let sign = self.ahead(ahead + 1).kind;
        let short = sign == Kind::Colon && self.ahead(ahead + 2).kind == Kind::Eq;
        ahead > 0 && named(ahead) && (sign == Kind::Eq || short)
    }

    /// All of them are known from here on, whatever the values are.
    pub(super) fn several_names(&mut self) -> StmtKind {
        let pattern = self.names();
        let names = self.source(&pattern.span).to_owned();
        self.eat(Kind::Colon);
        self.bump();
        self.expr();
        while self.eat(Kind::Comma) {
            self.expr();
        }
        let span = pattern.span.clone();
        let message = "several names stand in a pattern";
        let problem = self.problem("missing-parentheses", span, message);
        self.report.push(
            problem
                .label("has no `let` and parentheses")
                .help(format!("write `let ({names}) = …`; what can fail gives a Result: `f()?`")),
        );
        let end = self.end_of_last();
        let value = Expr { span: end..end, kind: ExprKind::Error };
        StmtKind::Let { pattern, ty: None, value, otherwise: None }
    }

    /// Names with commas between them.
    fn names(&mut self) -> Pattern {
        let mark = self.mark();
        let mut patterns = vec![self.pattern()];
        while self.eat(Kind::Comma) {
            patterns.push(self.pattern());
        }
        Pattern { span: self.span(mark), kind: PatternKind::Tuple(patterns) }
    }

    /// Whether `use x <- f()` is here.
    pub(super) fn at_use_arrow(&self) -> bool {
        if self.text_of(self.token()) != "use" {
            return false;
        }
        for ahead in 1..MAX_NAMES {
            let (token, next) = (self.ahead(ahead), self.ahead(ahead + 1));
            if token.newline {
                return false;
            }
            if token.kind == Kind::Lt {
                return next.kind == Kind::Minus && token.end == next.start;
            }
        }
        false
    }

    /// What stands before the arrow is known from here on.
    pub(super) fn use_arrow(&mut self) -> StmtKind {
        let start = self.bump().start;
        let mark = self.mark();
        let mut patterns = Vec::new();
        while !self.is_at(Kind::Lt) {
            patterns.push(self.pattern());
            if !self.eat(Kind::Comma) {
                break;
            }
        }
        let span = self.span(mark);
        let names = self.source(&span).to_owned();
        let kind = match patterns.len() {
            1 => patterns.swap_remove(0).kind,
            _ => PatternKind::Tuple(patterns),
        };
        let (kind, name) = if names.is_empty() { (PatternKind::Any, "_") } else { (kind, &*names) };
        self.skip_until(|parser| parser.is_at(Kind::Minus));
        self.bump();
        self.expr();
        let end = self.end_of_last();
        let problem = self.problem("foreign-word", start..end, "there is no `use x <- f()`");
        let help = format!("write `f(fn({names}) {{ … }})`; of a Result `let {name} = f()?`");
        self.report.push(problem.label("has no closure").help(help));
        let value = Expr { span: end..end, kind: ExprKind::Error };
        StmtKind::Let { pattern: Pattern { span, kind }, ty: None, value, otherwise: None }
    }

    /// Whether `::<` is here.
    pub(super) fn at_turbofish(&self) -> bool {
        let colons = self.kind() == Kind::Colon && self.next_kind() == Kind::Colon;
        colons && self.joined() && self.ahead(2).kind == Kind::Lt
    }

    /// `x.parse::<Int>()`, from the colons on.
    pub(super) fn turbofish(&mut self, mark: Mark, base: &Expr) -> Expr {
        let start = self.bump().start;
        self.bump();
        let types = self.token().end;
        self.skip_angles();
        let span = start..self.end_of_last();
        let named = self.source(&(types..span.end.saturating_sub(1))).to_owned();
        let help = match &base.kind {
            ExprKind::Member { base, name } if &*name.text == "parse" => {
                let value = self.source(&base.span);
                format!(
                    "write `Int.parse({value})` or `Float.parse({value})`, which give an Option"
                )
            }
            ExprKind::Member { name, .. } if &*name.text == "collect" => {
                "leave it out: `map` and `filter` of a list give a list".into()
            }
            _ => format!("write `[{named}]`, or leave it out: mostly the use tells it"),
        };
        let problem = self.problem("angle-brackets", span, "there is no `::<T>`");
        self.report.push(problem.label("is not written here").help(help));
        Expr { span: self.close(mark, NodeKind::Postfix), kind: ExprKind::Error }
    }

    /// Skips `<…>` within a line.
    fn skip_angles(&mut self) {
        let mut depth = 0usize;
        loop {
            match self.kind() {
                Kind::Lt => depth += 1,
                Kind::Gt => depth = depth.saturating_sub(1),
                Kind::Shr => depth = depth.saturating_sub(2),
                Kind::End => return,
                _ if self.token().newline => return,
                _ => {}
            }
            self.bump();
            if depth == 0 {
                return;
            }
        }
    }
}
