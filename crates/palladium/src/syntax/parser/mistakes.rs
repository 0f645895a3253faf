//! Mistakes that are known: what is said of each, and how reading goes on after it.

use super::{Mark, Parser};
use crate::syntax::ast::{Expr, ExprKind, Ident, ItemKind, Pattern, PatternKind, Stmt, StmtKind};
use crate::syntax::token::{Kind, Token};
use crate::syntax::tree::NodeKind;

impl Parser<'_> {
    /// Takes the brace that a block begins with. If there is none, `indented_stmts` knows what to
    /// read instead.
    pub(super) fn opens_block(&mut self) -> bool {
        if self.eat(Kind::LBrace) {
            return true;
        }
        if self.next_kind() == Kind::LBrace && self.is_at(Kind::Name) && !self.at_new_line() {
            let word = self.bump();
            let place = self.report.place(word.span());
            let problem = self.problem("foreign-word", word.span(), "a block begins with `{`");
            self.report.push(problem.label("is not needed").fix(place, ""));
            self.bump();
            return true;
        }
        if !self.is_at(Kind::Colon) && !self.at_block_word() {
            self.unexpected("`{`");
            return false;
        }
        let colon = self.bump();
        let problem = self.problem("colon-block", colon.span(), "a block stands between braces");
        self.report.push(problem.label("is to be `{`").help("and a `}` ends the block"));
        false
    }

    /// Whether the word of `while true do` or `if x then` is here.
    pub(super) fn at_block_word(&self) -> bool {
        let word = matches!(self.text_of(self.token()), "do" | "then");
        word && !self.at_new_line() && self.ahead(1).newline
    }

    /// The `end` of a block that began with a word, which is told.
    fn end_word(&mut self) {
        if self.token().newline && self.text_of(self.token()) == "end" {
            self.bump();
        }
    }

    /// Passes over the lines of members or arms without braces, of which it is told that they
    /// lack them.
    pub(super) fn skip_indented(&mut self, mark: Mark) {
        let colon = self.at > mark.token;
        if !colon && !self.at_indented_lines() {
            return;
        }
        let header = self.column_of_line(mark.token.saturating_sub(usize::from(!colon)));
        let mut open = 0usize;
        while !self.is_at(Kind::End) && (open > 0 || !self.kind().closes()) {
            if open == 0 && self.token().newline && self.column_of_line(self.at) <= header {
                break;
            }
            match self.bump().kind {
                kind if kind.opens() => open += 1,
                kind if kind.closes() => open = open.saturating_sub(1),
                _ => {}
            }
        }
        self.end_word();
        self.lost = false;
    }

    /// The statements of a block that begins with `:`, which are told by their indentation.
    pub(super) fn indented_stmts(&mut self, mark: Mark) -> Vec<Stmt> {
        let mut stmts = Vec::new();
        let colon = self.at > mark.token;
        if !colon && !self.at_indented_lines() {
            return stmts;
        }
        self.lost = false;
        let outside = std::mem::replace(&mut self.rounds, false);
        let header = self.column_of_line(mark.token.saturating_sub(usize::from(!colon)));
        while !self.is_at(Kind::End) && !self.kind().closes() && !self.lost {
            let deeper = self.column_of_line(self.at) > header;
            if self.token().newline && !deeper || !self.token().newline && !stmts.is_empty() {
                break;
            }
            let before = self.at;
            self.line = before;
            stmts.push(self.stmt());
            // The last one ends what the block is in as well.
            let next = self.token();
            if next.newline && self.column_of_line(self.at) > header {
                self.end_of_line(false);
            }
            if self.at == before {
                break;
            }
        }
        self.rounds = outside;
        self.end_word();
        // The brace that ends it closes nothing, as has been told.
        let token = self.token();
        if !colon && token.kind == Kind::Error && self.text_of(token) == "}" {
            self.report.retract("extra-bracket", token.start);
            self.bump();
        }
        stmts
    }

    /// Whether the next line is deeper than this one.
    fn at_indented_lines(&self) -> bool {
        let token = self.token();
        token.newline
            && token.kind != Kind::End
            && self.at > 0
            && self.column_of_line(self.at) > self.column_of_line(self.at - 1)
    }

    /// How far from the left margin the line of a token begins.
    fn column_of_line(&self, at: usize) -> usize {
        let start = self.tokens[at].start as usize;
        let before = self.text.get(..start).unwrap_or("");
        let line = before.rfind('\n').map_or(0, |newline| newline + 1);
        let blanks = self.text.as_bytes()[line..].iter().take_while(|byte| b" \t".contains(byte));
        blanks.count()
    }

    /// A block that is a statement of its own.
    pub(super) fn bare_block(&mut self) -> Expr {
        let place = self.token().span();
        let problem = self.problem("bare-block", place, "a block alone is no statement");
        self.report.push(
            problem
                .label("has no `if`, `loop`, `for` or the like before it")
                .help("leave the braces out; a map is written `[key: value]`"),
        );
        self.block_expr()
    }

    /// An item in a function.
    pub(super) fn misplaced_item(&mut self) -> StmtKind {
        let token = self.token();
        let message = format!("{} stands at the top of a file", token.kind.name());
        let problem = self.problem("misplaced-item", token.span(), message);
        self.report.push(problem.label("is in a function").help("move it out of the braces"));
        let span = token.span();
        match token.kind {
            Kind::Import => drop(self.import()),
            _ => drop(self.nested(Self::item)),
        }
        StmtKind::Expr(Expr { span, kind: ExprKind::Error })
    }

    /// A statement outside of functions.
    pub(super) fn misplaced_stmt(&mut self, first: &Stmt) {
        let known = self.report.last().is_some_and(|last| {
            let span = &last.primary.0.span;
            first.span.start <= span.start && span.start <= first.span.end
        });
        if known || matches!(&first.kind, StmtKind::Expr(expr) if is_error(&expr.kind)) {
            return;
        }
        let problem = self.problem(
            "misplaced-statement",
            first.span.clone(),
            "a statement stands in a function",
        );
        self.report
            .push(problem.label("is in none").help("a program begins with `fn main() { … }`"));
    }

    /// `const` in a function
    pub(super) fn local_const(&mut self) -> StmtKind {
        let token = self.token();
        let place = self.report.place(token.span());
        let message = "`const` stands at the top of a file";
        let problem = self.problem("misplaced-item", token.span(), message);
        self.report.push(problem.label("is in a function").help("write `let`").fix(place, "let"));
        self.tokens[self.at].kind = Kind::Let;
        self.stmt_kind()
    }

    /// `let x: = 1` and `x := 1`
    pub(super) fn empty_annotation(&mut self) {
        let colon = self.bump();
        let place = self.report.place(colon.span());
        let problem =
            self.problem("missing-type", colon.span(), "there is no type after the colon");
        self.report.push(
            problem
                .label("has no type after it")
                .help("without a colon the type is told from the value")
                .fix(place, ""),
        );
    }

    /// `x: Int = 1` and `x := 1`, without `let`
    pub(super) fn without_let(&mut self) -> Option<StmtKind> {
        let (name, next) = (self.token(), self.ahead(2));
        let typed = matches!(next.kind, Kind::Eq | Kind::TypeName | Kind::LParen | Kind::Name);
        if name.kind != Kind::Name || self.next_kind() != Kind::Colon || next.newline || !typed {
            return None;
        }
        self.bump();
        let short = next.kind == Kind::Eq;
        let signs = name.start..next.end;
        let (span, right) = match short {
            true => (signs, format!("let {} =", self.text_of(name))),
            false => (name.start..name.start, "let ".into()),
        };
        let place = self.report.place(span);
        let message = "a variable is declared with `let` or `var`";
        let problem = self.problem("missing-let", name.span(), message);
        self.report.push(
            problem
                .label("is not declared here")
                .help("what changes later is a `var`")
                .fix(place, right),
        );
        let ty = match short {
            true => {
                self.bump();
                None
            }
            false => self.annotation(),
        };
        let value = self.initial();
        let pattern = Pattern { span: name.span(), kind: PatternKind::Bind(self.ident(name)) };
        Some(StmtKind::Let { pattern, ty, value, otherwise: None })
    }

    /// `=> let …`
    pub(super) fn declaration_without_block(&mut self) {
        let token = self.bump();
        let problem = self.problem("missing-block", token.span(), "this needs a block");
        self.tell(problem.label("declares what nothing can use").help("write `=> { … }`"));
    }

    /// `var (a, b) = …`
    pub(super) fn var_pattern(&mut self) -> Ident {
        let start = self.token();
        let pattern = self.pattern();
        let problem = self.problem("var-pattern", pattern.span, "`var` declares one name");
        self.report.push(problem.label("is a pattern").help("`let` takes a pattern"));
        Ident { text: "".into(), span: start.span() }
    }

    /// The pattern of a `for` or `let`; `a, b` lacks its parentheses.
    pub(super) fn loose_pattern(&mut self) -> Pattern {
        let mark = self.mark();
        let first = self.pattern();
        if !self.is_at(Kind::Comma) {
            return first;
        }
        let mut patterns = vec![first];
        while self.eat(Kind::Comma) {
            patterns.push(self.pattern());
        }
        let span = self.close(mark, NodeKind::Pattern);
        let text = self.text.get(span.start as usize..span.end as usize).unwrap_or("").to_owned();
        let place = self.report.place(span.clone());
        let problem = self.problem(
            "missing-parentheses",
            span.clone(),
            "a pattern of several parts stands in parentheses",
        );
        self.report.push(problem.label("needs `(` and `)`").fix(place, format!("({text})")));
        Pattern { span, kind: PatternKind::Tuple(patterns) }
    }

    /// No `in` after the pattern of a `for`.
    pub(super) fn missing_in(&mut self) {
        if self.is_at(Kind::Colon) || self.is_at(Kind::Eq) || self.text_of(self.token()) == "of" {
            let token = self.bump();
            let place = self.report.place(token.span());
            let problem =
                self.problem("foreign-word", token.span(), "a loop is written `for x in xs`");
            self.report.push(problem.label("is to be `in`").fix(place, "in"));
            return;
        }
        self.unexpected("`in`");
    }

    /// `a < b < c`
    pub(super) fn chained(&mut self, op: Token) -> ExprKind {
        let problem = self.problem("chained-comparison", op.span(), "comparisons do not chain");
        self.report
            .push(problem.label("compares what has been compared").help("write `a < b and b < c`"));
        ExprKind::Error
    }

    /// Whether a range has no end.
    pub(super) fn at_open_range(&self) -> bool {
        self.at_break() || !self.kind().begins_expr()
    }

    pub(super) fn open_range(&mut self, mark: Mark, op: Token) -> Expr {
        let problem = self.problem("open-range", op.span(), "a range has an end");
        self.tell(problem.label("has no value after it").help("write `from..xs.len()`"));
        self.lost = false;
        Expr { span: self.close(mark, NodeKind::Binary), kind: ExprKind::Error }
    }

    /// `fn name(…)` where a value is expected
    pub(super) fn named_closure(&mut self) {
        let token = self.bump();
        let problem =
            self.problem("named-closure", token.span(), "a function as a value has no name");
        let place = self.report.place(token.span());
        self.report.push(problem.label("is not needed").fix(place, ""));
    }

    /// `fn((a, b)) => …`
    pub(super) fn param_pattern(&mut self) -> Ident {
        let pattern = self.pattern();
        let message = "a parameter is a name and no pattern";
        let problem = self.problem("param-pattern", pattern.span.clone(), message);
        self.report.push(
            problem
                .label("is a pattern")
                .help("name it, and take it apart with `let (a, b) = name`"),
        );
        Ident { text: "".into(), span: pattern.span }
    }

    pub(super) fn missing_body(&mut self) {
        let help = "a function is written `fn name(param: Type) -> Type { … }`";
        let found = self.found();
        let problem = self.problem(
            "missing-body",
            self.here(),
            format!("there should be `{{`, and not {found}"),
        );
        self.tell(problem.label("the body of the function is missing").help(help));
    }

    /// No item after `pub`, or the like.
    pub(super) fn no_item(&mut self) -> ItemKind {
        // Nothing is lost of what has been read by mistake.
        self.at = self.at.saturating_sub(1);
        self.unexpected("a declaration");
        self.empty_item()
    }

    pub(super) fn no_actor_member(&mut self) {
        let token = self.token();
        let message = "an actor has variables, handlers and functions";
        let problem = self.problem("actor-member", self.here(), message);
        let help = match token.kind {
            Kind::Let => "its variables are declared with `var`",
            _ => "they begin with `var`, `on` and `fn`",
        };
        self.tell(problem.label("is none of these").help(help));
        self.bump();
    }

    pub(super) fn no_app_member(&mut self) {
        let message = "an app has children and settings";
        let problem = self.problem("app-member", self.here(), message);
        self.tell(
            problem
                .label("is none of these")
                .help("write `child name = Actor()` or `setting: value`"),
        );
        self.bump();
    }

    /// `child name: Actor()`
    pub(super) fn child_with_colon(&mut self) -> Expr {
        let token = self.bump();
        let message = "a child and what it runs are joined by `=`";
        let problem = self.problem("child-equals", token.span(), message);
        let place = self.report.place(token.span());
        self.report.push(problem.label("is to be `=`").fix(place, " ="));
        self.expr()
    }

    /// `(a, ..)`
    pub(super) fn rest_in_tuple(&mut self) {
        let end = self.end_of_last();
        let problem = self.problem("rest-in-tuple", end..end, "a tuple has no rest");
        self.report.push(problem.label("ends with `..`").help("write `_` for each part"));
    }

    /// `Node(l, ..)`
    pub(super) fn rest_with_fields(&mut self) {
        let end = self.end_of_last();
        let problem = self.problem("rest-with-fields", end..end, "`..` stands for all fields");
        self.report.push(
            problem
                .label("names some fields as well")
                .help("write `_` for each of the others, or only `..`"),
        );
    }

    /// `[a, ..rest]`, behind the dots
    pub(super) fn named_rest(&mut self) {
        let name = self.bump();
        let problem = self.problem("named-rest", name.span(), "the rest of a list has no name");
        let place = self.report.place(name.span());
        let problem = problem.label("is not needed").help("take it as a slice: `xs[1..xs.len()]`");
        self.report.push(problem.fix(place, ""));
    }

    /// `Red = 1`
    pub(super) fn numbered_variant(&mut self) {
        let token = self.bump();
        let value = self.expr();
        let span = token.start..value.span.end;
        let problem = self.problem("numbered-variant", span.clone(), "a variant has no number");
        let place = self.report.place(span);
        self.report.push(
            problem
                .label("is not needed")
                .help("write a function that gives it: `match self { Red => 1 … }`")
                .fix(place, ""),
        );
    }

    /// `[.., a]`
    pub(super) fn rest_is_last(&mut self) {
        let problem =
            self.problem("rest-is-last", self.here(), "`..` stands at the end of a pattern");
        self.tell(problem.label("stands after it"));
    }
}

fn is_error(kind: &ExprKind) -> bool {
    matches!(kind, ExprKind::Error)
}
