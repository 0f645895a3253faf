//! Declarations.

use std::sync::Arc;

use super::Parser;
use crate::syntax::ast::{
    Alias, Block, Const, Enum, Expr, ExprKind, Field, File, Fn, Ident, Import, Item, ItemKind,
    Param, Record, Stmt, StmtKind, Test, Type, TypeKind, Variant, VariantField,
};
use crate::syntax::docs;
use crate::syntax::token::Kind;
use crate::syntax::tree::NodeKind;

impl Parser<'_> {
    /// A whole file.
    pub(super) fn items(&mut self) -> File {
        let (file, stmts) = self.items_and_stmts();
        if let Some(first) = stmts.first() {
            self.misplaced_stmt(first);
        }
        file
    }

    /// A whole file, in which statements stand as well.
    pub(super) fn items_and_stmts(&mut self) -> (File, Vec<Stmt>) {
        let mut file = File { doc: self.file_doc(), ..File::default() };
        let mut stmts = Vec::new();
        loop {
            self.semicolons();
            if self.is_at(Kind::End) {
                return (file, stmts);
            }
            let before = self.at;
            self.line = before;
            self.foreign_modifier();
            self.foreign_word();
            match self.kind() {
                Kind::Import => file.imports.push(self.import()),
                kind if self.begins_item(kind) => file.items.push(self.item()),
                _ => stmts.push(self.stmt()),
            }
            if self.at == before || self.kind().closes() {
                self.bump();
            }
            self.end_of_line(false);
        }
    }

    /// Whether a declaration begins here.
    pub(super) fn begins_item(&self, kind: Kind) -> bool {
        let next = self.next_kind();
        match kind {
            Kind::Pub | Kind::Record | Kind::Enum | Kind::Alias | Kind::Const | Kind::Actor => true,
            Kind::Import => true,
            Kind::Fn => next != Kind::LParen || self.at_receiver(),
            Kind::Intrinsic => next == Kind::Fn,
            Kind::App => next == Kind::TypeName,
            Kind::Test => next == Kind::String,
            _ => false,
        }
    }

    fn file_doc(&self) -> Option<Arc<str>> {
        let import = self.is_at(Kind::Import);
        docs::of_file(self.text.get(..self.token().start as usize)?, import)
    }

    /// The `##` comments before the current token.
    pub(super) fn doc(&self) -> Option<Arc<str>> {
        let gap = self.text.get(self.end_of_last() as usize..self.token().start as usize)?;
        docs::of_item(gap, self.at == 0)
    }

    pub(super) fn import(&mut self) -> Import {
        let mark = self.mark();
        self.bump();
        let dots = match self.kind() {
            Kind::Dot => 1,
            Kind::DotDot => 2,
            _ => 0,
        };
        if dots > 0 {
            self.bump();
        }
        let mut path = vec![self.name("the name of a module")];
        self.dot_in_path();
        while self.is_at(Kind::Dot) && self.may_grow() {
            self.bump();
            path.push(self.name("the name of a module"));
            self.dot_in_path();
        }
        let alias = self.eat(Kind::As).then(|| self.name("a name"));
        Import { span: self.close(mark, NodeKind::Import), dots, path, alias }
    }

    pub(super) fn item(&mut self) -> Item {
        let doc = self.doc();
        let mark = self.mark();
        let public = self.eat(Kind::Pub);
        self.foreign_word();
        let kind = self.item_kind();
        let span = self.close(mark, NodeKind::Item);
        Item { span, public, doc, kind }
    }

    fn item_kind(&mut self) -> ItemKind {
        match self.bump().kind {
            Kind::Record => ItemKind::Record(Arc::new(self.record())),
            Kind::Enum => ItemKind::Enum(Arc::new(self.enum_())),
            Kind::Alias => ItemKind::Alias(Arc::new(self.alias())),
            Kind::Const => ItemKind::Const(Arc::new(self.const_())),
            Kind::Actor => ItemKind::Actor(Arc::new(self.actor())),
            Kind::App => ItemKind::App(Arc::new(self.app())),
            Kind::Test => ItemKind::Test(self.test()),
            Kind::Intrinsic => {
                self.bump();
                ItemKind::Fn(Arc::new(self.function(None, false)))
            }
            Kind::Fn => ItemKind::Fn(Arc::new(self.function(None, true))),
            _ => self.no_item(),
        }
    }

    /// A function after the word `fn`.
    pub(super) fn function(&mut self, doc: Option<Arc<str>>, body: bool) -> Fn {
        let start = self.tokens[self.at.saturating_sub(1)].start;
        let receiver = self.receiver();
        let name = self.declared_name("the name of the function");
        let generics = self.generics();
        let params = match self.is_at(Kind::LParen) {
            true => self.params(),
            false => {
                self.unexpected("`(` and the parameters");
                Vec::new()
            }
        };
        let result = self.result();
        let receives = self.eat(Kind::Receives).then(|| self.ty());
        let mut function = Fn { doc, name, generics, params, result, receives, body: None };
        let called = receiver.as_ref().map(|receiver| receiver.name.clone());
        self.foreign_header(start, receiver, &mut function);
        function.body = body.then(|| self.function_body());
        if let (Some(name), Some(body)) = (called, &mut function.body)
            && &*name.text != "self"
        {
            body.stmts.insert(0, Self::receiver_as_self(name));
        }
        function
    }

    /// `-> Type`, if it is here.
    pub(super) fn result(&mut self) -> Option<Type> {
        let arrow = self.eat(Kind::Arrow) || self.missing_arrow();
        arrow.then(|| self.ty())
    }

    fn function_body(&mut self) -> Block {
        if self.is_at(Kind::LBrace) || self.is_at(Kind::Colon) || self.at_block_word() {
            return self.block();
        }
        if matches!(self.kind(), Kind::Eq | Kind::FatArrow) {
            return self.body_behind_sign();
        }
        self.missing_body();
        let mark = self.mark();
        let stmts = self.indented_stmts(mark);
        if !stmts.is_empty() {
            return Block { span: self.close(mark, NodeKind::Block), stmts };
        }
        let end = self.end_of_last();
        let error = Expr { span: end..end, kind: ExprKind::Error };
        Block { span: end..end, stmts: vec![Stmt { span: end..end, kind: StmtKind::Expr(error) }] }
    }

    /// Parameters in brackets, of which the current token is the first.
    pub(super) fn params(&mut self) -> Vec<Param> {
        let mark = self.mark();
        self.bump();
        let begins = |kind: Kind| kind.is_name() || matches!(kind, Kind::Var | Kind::SelfWord);
        let params = self.list(Kind::RParen, begins, Self::param);
        self.close(mark, NodeKind::Params);
        params
    }

    pub(super) fn param(&mut self) -> Param {
        let mark = self.mark();
        let inout = self.eat(Kind::Var) || self.foreign_inout();
        let name = match self.kind() {
            Kind::SelfWord | Kind::Underscore => {
                let token = self.bump();
                self.ident(token)
            }
            Kind::LParen => self.param_pattern(),
            _ => self.declared_name("the name of a parameter"),
        };
        let ty = self.annotation().or_else(|| self.type_without_colon());
        let default = self.eat(Kind::Eq).then(|| self.expr());
        Param { span: self.close(mark, NodeKind::Param), inout, name, ty, default }
    }

    fn record(&mut self) -> Record {
        let start = self.tokens[self.at.saturating_sub(1)].start;
        let name = self.type_name("the name of the record");
        let generics = self.generics();
        self.struct_behind_name();
        let round = self.is_at(Kind::LParen);
        let mut fields = if round { self.fields_in_parentheses() } else { Vec::new() };
        let header = start..self.end_of_last();
        if !round || self.is_at(Kind::LBrace) && !self.at_new_line() {
            self.members(|parser| {
                if !parser.function_in_type() {
                    fields.push(parser.field());
                }
            });
        }
        let record = Record { name, generics, fields };
        self.foreign_record(header, round, &record);
        record
    }

    /// Lines in braces.
    pub(super) fn members(&mut self, mut member: impl FnMut(&mut Self)) {
        let mark = self.mark();
        if !self.opens_block() {
            return self.skip_indented(mark);
        }
        self.lines(true, |parser| {
            let mark = parser.mark();
            member(parser);
            parser.close(mark, NodeKind::Member);
        });
        self.close(mark, NodeKind::Block);
    }

    fn field(&mut self) -> Field {
        let doc = self.doc();
        let name = self.declared_name("the name of a field");
        let ty = match self.annotation().or_else(|| self.type_without_colon()) {
            Some(ty) => ty,
            None => self.missing_type(),
        };
        let default = self.eat(Kind::Eq).then(|| self.expr());
        Field { doc, name, ty, default }
    }

    fn missing_type(&mut self) -> Type {
        self.unexpected("`:` and a type");
        let end = self.end_of_last();
        Type { span: end..end, kind: TypeKind::Error }
    }

    fn enum_(&mut self) -> Enum {
        self.class_before_name();
        let name = self.type_name("the name of the enum");
        let generics = self.generics();
        let header = self.end_of_last();
        let mut variants = Vec::new();
        self.members(|parser| {
            if !parser.function_in_type() {
                variants.push(parser.variant_of_enum());
            }
        });
        let enum_ = Enum { name, generics, variants };
        self.lower_variants(header, &enum_);
        enum_
    }

    fn variant_of_enum(&mut self) -> Variant {
        let doc = self.doc();
        let name = self.type_name("the name of a variant");
        let mut fields = Vec::new();
        if self.is_at(Kind::LParen) {
            let mark = self.mark();
            self.bump();
            fields = self.list(Kind::RParen, Self::begins_field, |parser| {
                let mark = parser.mark();
                let label = parser.label();
                let field = VariantField { label, ty: parser.ty() };
                parser.close(mark, NodeKind::Param);
                field
            });
            self.close(mark, NodeKind::Params);
        }
        if self.is_at(Kind::Eq) {
            self.numbered_variant();
        }
        Variant { doc, name, fields }
    }

    fn begins_field(kind: Kind) -> bool {
        kind.is_name() || matches!(kind, Kind::TypeName | Kind::LParen | Kind::Fn)
    }

    fn alias(&mut self) -> Alias {
        let name = self.type_name("the name of the alias");
        let generics = self.generics();
        self.expect(Kind::Eq);
        Alias { name, generics, ty: self.ty() }
    }

    fn const_(&mut self) -> Const {
        let name = self.declared_name("the name of the constant");
        let ty = self.annotation();
        Const { name, ty, value: self.initial() }
    }

    fn test(&mut self) -> Test {
        let token = self.token();
        let name = match token.kind {
            Kind::String => self.plain_string(),
            _ => {
                self.unexpected("what the test shows, as a string");
                Arc::from("")
            }
        };
        let name_span = token.span();
        let run = Fn {
            doc: None,
            name: Ident { text: "test".into(), span: name_span.clone() },
            generics: Vec::new(),
            params: Vec::new(),
            result: None,
            receives: None,
            body: Some(self.block()),
        };
        Test { name, name_span, run: Arc::new(run) }
    }

    /// What stands for an item that is none.
    pub(super) fn empty_item(&self) -> ItemKind {
        let name: Ident = self.no_name();
        let end = name.span.start;
        let ty = Type { span: end..end, kind: TypeKind::Error };
        ItemKind::Alias(Arc::new(Alias { name, generics: Vec::new(), ty }))
    }
}
