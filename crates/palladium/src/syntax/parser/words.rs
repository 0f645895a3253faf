//! What the parser says, where it says the same in many places.

use iridium_isa::Span;

use super::Parser;
use crate::diag::Problem;
use crate::syntax::ast::Ident;
use crate::syntax::token::Kind;

impl Parser<'_> {
    /// Tells a problem after which it is lost, unless it is so already, or the lexer has told why.
    pub(super) fn tell(&mut self, problem: Problem) {
        let known =
            self.is_at(Kind::Error) || self.at > 0 && self.tokens[self.at - 1].kind == Kind::Error;
        if !self.lost && !known {
            self.report.push(problem);
        }
        self.lost = true;
    }

    /// A problem at a span.
    pub(super) fn problem(
        &self,
        name: &'static str,
        span: Span,
        message: impl Into<String>,
    ) -> Problem {
        Problem::error(name, self.report.place(span), message)
    }

    /// The place of the current token; the end of the one before, when a line or the file ends.
    pub(super) fn here(&self) -> Span {
        let token = self.token();
        if self.at_new_line() || token.start == token.end {
            let end = self.end_of_last();
            return end..end;
        }
        token.span()
    }

    /// How a message calls the current token.
    pub(super) fn found(&self) -> String {
        let token = self.token();
        match token.kind {
            Kind::End => "the end of the file".into(),
            _ if self.at_new_line() => "the end of the line".into(),
            _ if token.start == token.end => "nothing".into(),
            Kind::Name | Kind::TypeName | Kind::Int | Kind::Float => {
                format!("`{}`", self.text_of(token))
            }
            kind => kind.name().into(),
        }
    }

    /// Tells that something else should be here.
    pub(super) fn unexpected(&mut self, wanted: &str) {
        let message = format!("there should be {wanted}, and not {}", self.found());
        let problem = self.problem("unexpected", self.here(), message);
        self.tell(problem.label(format!("{wanted} is missing")));
    }

    pub(super) fn missing_comma(&mut self) {
        if let Some(problem) = self.foreign_before() {
            return self.tell(problem);
        }
        let end = self.end_of_last();
        let problem = self.problem("missing-comma", end..end, "a comma is missing");
        let place = self.report.place(end..end);
        self.report.push(problem.label("belongs here").fix(place, ","));
    }

    pub(super) fn unexpected_in_list(&mut self, closer: Kind) {
        if closer == Kind::RBracket && self.is_at(Kind::Colon) {
            return self.colon_in_index();
        }
        let wanted = format!("`,` or {}", closer.name());
        match self.foreign_sign() {
            Some(problem) => self.tell(problem),
            None => self.unexpected(&wanted),
        }
    }

    /// Tells that a statement should end here.
    pub(super) fn missing_newline(&mut self) {
        if let Some(problem) = self.foreign_before().or_else(|| self.foreign_sign()) {
            return self.tell(problem);
        }
        let end = self.end_of_last();
        let message = format!("the line should end before {}", self.found());
        let problem = self.problem("unexpected", self.here(), message);
        let problem = problem.label("does not belong to what stands before it");
        if self.kind().begins_expr() && self.at > 0 {
            let place = self.report.place(end..self.token().start.max(end));
            return self
                .tell(problem.help("each statement has a line of its own").fix(place, "\n"));
        }
        self.tell(problem);
    }

    /// Tells of each `;` here, and skips them.
    pub(super) fn semicolons(&mut self) {
        while self.is_at(Kind::Semicolon) {
            let token = self.bump();
            let ends = self.at_end_of_stmt() || self.token().newline;
            let problem = self.problem("semicolon", token.span(), "there are no semicolons");
            let place = self.report.place(token.span());
            let problem = problem.label(if ends { "is not needed" } else { "is to be a new line" });
            self.report.push(
                problem
                    .help("statements end with their lines")
                    .fix(place, if ends { "" } else { "\n" }),
            );
        }
    }

    /// Takes a name that begins with a lower-case letter.
    pub(super) fn name(&mut self, wanted: &str) -> Ident {
        let token = self.token();
        if token.kind.is_name() {
            self.bump();
            return self.ident(token);
        }
        if token.kind == Kind::TypeName && !self.at_new_line() {
            return self.wrong_case(&lower(self.text_of(token)), "a lower-case letter");
        }
        self.no_such_name(wanted)
    }

    /// Takes the name of what is declared. With an upper-case letter it is kept as it is, so that it
    /// is known where it is used.
    pub(super) fn declared_name(&mut self, wanted: &str) -> Ident {
        let token = self.token();
        let name = self.name(wanted);
        match token.kind {
            Kind::TypeName if name.span == token.span() => self.ident(token),
            _ => name,
        }
    }

    /// Takes a name that begins with an upper-case letter.
    pub(super) fn type_name(&mut self, wanted: &str) -> Ident {
        let token = self.token();
        if token.kind == Kind::TypeName {
            self.bump();
            return self.ident(token);
        }
        if token.kind.is_name() && !self.at_new_line() {
            return self.wrong_case(&upper(self.text_of(token)), "an upper-case letter");
        }
        self.no_such_name(wanted)
    }

    /// Takes a name, and tells that it begins with the wrong letter.
    fn wrong_case(&mut self, right: &str, letter: &str) -> Ident {
        let token = self.bump();
        let message = format!("`{}` should begin with {letter}", self.text_of(token));
        let place = self.report.place(token.span());
        let problem = self
            .problem("wrong-case", token.span(), message)
            .label(format!("is to be `{right}`"))
            .help("types, variants, actors, apps begin upper-case, other names lower-case")
            .fix(place, right);
        self.report.push(problem);
        Ident { text: right.into(), span: token.span() }
    }

    fn no_such_name(&mut self, wanted: &str) -> Ident {
        let token = self.token();
        if !token.kind.is_reserved() || self.at_new_line() {
            self.unexpected(wanted);
            return self.no_name();
        }
        self.reserved()
    }

    /// Takes a reserved word for a name, and tells that it is none.
    pub(super) fn reserved(&mut self) -> Ident {
        let token = self.bump();
        let text = self.text_of(token);
        let message = format!("`{text}` is a word of the language, and no name");
        let place = self.report.place(token.span());
        let problem = self.problem("reserved-word", token.span(), message);
        let problem = problem.label("cannot be a name").help(format!("call it `{text}_`"));
        self.report.push(problem.fix(place, format!("{text}_")));
        self.ident(token)
    }
}

pub(super) fn lower(name: &str) -> String {
    let mut result = String::new();
    let mut before = '_';
    for c in name.chars() {
        if c.is_ascii_uppercase() && before != '_' && !before.is_ascii_uppercase() {
            result.push('_');
        }
        result.push(c.to_ascii_lowercase());
        before = c;
    }
    result
}

fn upper(name: &str) -> String {
    name.split('_')
        .map(|part| {
            let mut chars = part.chars();
            let first = chars.next().map(|c| c.to_ascii_uppercase());
            first.into_iter().chain(chars).collect::<String>()
        })
        .collect()
}
