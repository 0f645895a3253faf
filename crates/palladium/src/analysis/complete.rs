//! What can be written at a place.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use iridium_isa::FileId;

use super::declared::{Declared, Kind};
use super::{Analysis, scope};
use crate::core::Type;
use crate::diag::Place;
use crate::names::library;
use crate::names::lookup::is_built_in;
use crate::names::meaning::Meaning;
use crate::names::offers::{members, public};
use crate::names::world::{AppId, Constructor, ModuleId, TypeName};
use crate::syntax::ast::Ident;
use crate::syntax::token::{Kind as Word, Token};

/// What a word may become.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completion {
    /// Where the word begins; the place itself when there is none yet.
    pub start: u32,
    /// What it may become, the nearest first. All begin as the word does.
    pub candidates: Vec<Candidate>,
}

/// Something that a word may become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// What is to be written; a label of an argument has its colon.
    pub text: String,
    /// What it is.
    pub kind: Kind,
    /// How it is declared.
    pub signature: String,
    /// What its comment says.
    pub doc: String,
}

/// Where a word stands.
struct Spot {
    file: FileId,
    module: ModuleId,
    /// The place that was asked about.
    offset: u32,
    start: u32,
    word: String,
}

impl Analysis {
    /// What the word that ends at an offset may become: members of what stands before a dot,
    /// modules behind `import`, or else labels, names and words that are known there.
    pub fn complete(&mut self, file: FileId, offset: u32) -> Completion {
        let nothing = Completion { start: offset, candidates: Vec::new() };
        let Some(module) = self.module_id(file) else { return nothing };
        self.look_at(file, offset);
        let Some(parsed) = self.parsed(file).map(Rc::clone) else { return nothing };
        let tokens = &parsed.tree.tokens;
        let is_before = |token: &Token| token.start < offset && token.start < token.end;
        let Some((before, start)) = before_word(tokens, offset, is_before) else { return nothing };
        let text = self.text(file);
        let word = text.get(start as usize..offset as usize).unwrap_or_default().to_owned();
        let gap = before.last().map_or(0, |token| token.end)..start;
        if word.is_empty() && is_comment(text.get(gap.start as usize..gap.end as usize)) {
            return nothing;
        }
        let spot = Spot { file, module, offset, start, word };
        let line = before.iter().rposition(|token| token.newline).unwrap_or(0);
        let line = before.get(line..).unwrap_or_default();
        let mut candidates = match before.last().map(|token| token.kind) {
            _ if line.first().is_some_and(|token| token.kind == Word::Import) => {
                imports(line, text)
            }
            Some(Word::Dot) => self.members_before(&spot, &before[..before.len() - 1]),
            Some(word) if names_something_new(word) => Vec::new(),
            _ => self.names_at(&spot),
        };
        candidates.retain(|candidate| candidate.text.starts_with(&spot.word));
        Completion { start, candidates }
    }

    /// What can follow a dot after these tokens.
    fn members_before(&mut self, spot: &Spot, before: &[Token]) -> Vec<Candidate> {
        let Some(last) = before.last().copied() else { return Vec::new() };
        if let Some(ty) = self.receiver(spot.file, last) {
            return self.members_of(spot, &ty);
        }
        let named = self.name_at(spot.file, last.end);
        let named = named.filter(|named| named.name.span == last.span());
        let Some(declared) = named.map(|named| named.declared) else { return Vec::new() };
        if declared.span.is_empty() {
            let Some(of) = self.module_id(declared.file) else { return Vec::new() };
            return self.public_of(spot, of);
        }
        match self.children_of(&declared) {
            Some(children) => children,
            None => self.variants_of(&declared),
        }
    }

    /// The children of the app whose name is declared at a place; `None` when it is none.
    fn children_of(&mut self, declared: &Place) -> Option<Vec<Candidate>> {
        let mut ids = (0..self.world().apps.len() as u32).map(AppId);
        let id = ids.find(|id| {
            let meaning = Meaning::Type(TypeName::App(*id));
            self.world().declared(meaning).as_ref() == Some(declared)
        })?;
        let ast = Arc::clone(&self.world().app(id).ast);
        let each = ast.children.iter().enumerate();
        let each =
            each.map(|(nth, child)| self.candidate(&child.name.text, Meaning::Child(id, nth)));
        Some(each.collect())
    }

    /// The type of the value that ends with a token before a dot.
    fn receiver(&self, file: FileId, last: Token) -> Option<Type> {
        let receivers = &self.world().uses.as_ref()?.receivers;
        let is_closed = |end: u32| {
            let gap = self.text(file).get(end as usize..last.end as usize);
            gap.is_some_and(|gap| gap.chars().all(|c| c == ')' || c.is_whitespace()))
        };
        let here = receivers.iter().filter(|(place, _)| {
            place.file == file && place.span.end <= last.end && is_closed(place.span.end)
        });
        let nearest = here.max_by_key(|(place, _)| (place.span.end, u32::MAX - place.span.start));
        nearest.map(|(_, ty)| ty.clone())
    }

    fn members_of(&mut self, spot: &Spot, ty: &Type) -> Vec<Candidate> {
        let mut all = self.handlers_of(spot, ty);
        let names = members(&mut self.checker.world, spot.module, ty);
        let fits = |name: &&Arc<str>| name.starts_with(&spot.word);
        let names: Vec<Arc<str>> = names.iter().filter(fits).cloned().collect();
        for name in names {
            let field = match ty {
                Type::Record(id, _) => {
                    let fields = &self.world().records[id.0 as usize].fields;
                    let nth = fields.iter().position(|(field, _)| *field == name);
                    nth.map(|nth| Meaning::Field(Constructor::Record(*id), nth))
                }
                _ => None,
            };
            let meaning = field.or_else(|| {
                let methods = self.checker.world.methods(spot.module, ty, &name);
                methods.found.first().map(|key| Meaning::Function(*key))
            });
            all.extend(meaning.map(|meaning| self.candidate(&name, meaning)));
        }
        all
    }

    /// What a process of a type understands.
    fn handlers_of(&mut self, spot: &Spot, ty: &Type) -> Vec<Candidate> {
        let Type::Pid(inbox) = ty else { return Vec::new() };
        let Type::Enum(id, _) = &**inbox else { return Vec::new() };
        let Some(actor) = self.world().actor_of(*id) else { return Vec::new() };
        let sendable = self.world().actor(actor).sendable();
        let meant = sendable.filter(|(_, on, _)| on.name.text.starts_with(&spot.word));
        let messages: Vec<_> = meant.map(|(_, on, key)| (Arc::clone(&on.name.text), key)).collect();
        let each = messages.iter();
        each.map(|(name, key)| self.candidate(name, Meaning::Function(*key))).collect()
    }

    fn public_of(&mut self, spot: &Spot, of: ModuleId) -> Vec<Candidate> {
        let names = public(self.world(), of);
        let names = names.into_iter().filter(|name| name.starts_with(&spot.word));
        let mut all = Vec::new();
        for name in names.collect::<Vec<_>>() {
            let module = self.world().module(of);
            let constructor = module.constructors.get(&name).and_then(|all| all.first().copied());
            let meaning = (module.consts.get(&name).map(|key| Meaning::Const(*key)))
                .or(module.functions_named(&name).first().map(|key| Meaning::Function(*key)))
                .or(module.types.get(&name).map(|ty| Meaning::Type(*ty)))
                .or(constructor.map(Meaning::Constructor));
            all.extend(meaning.map(|meaning| self.candidate(&name, meaning)));
        }
        all
    }

    /// The variants of the enum whose name is declared at a place.
    fn variants_of(&mut self, declared: &Place) -> Vec<Candidate> {
        let mut ids = (0..self.world().enums.len() as u32).map(crate::core::EnumId);
        let is_it = |id: &crate::core::EnumId| {
            let meaning = Meaning::Type(TypeName::Enum(*id));
            self.world().declared(meaning).as_ref() == Some(declared)
        };
        let Some(id) = ids.find(is_it) else { return Vec::new() };
        let variants = &self.world().enums[id.0 as usize].variants;
        let names: Vec<Arc<str>> =
            variants.iter().map(|variant| Arc::clone(&variant.name)).collect();
        let each = names.iter().enumerate();
        let each = each.map(|(nth, name)| {
            self.candidate(name, Meaning::Constructor(Constructor::Variant(id, nth as u32)))
        });
        each.collect()
    }

    /// What can be written where no dot is before it.
    fn names_at(&mut self, spot: &Spot) -> Vec<Candidate> {
        let mut all = self.labels(spot);
        let upper = spot.word.starts_with(char::is_uppercase);
        if !upper {
            all.extend(self.locals(spot));
            let hidden: BTreeSet<String> = all.iter().map(|one| one.text.clone()).collect();
            all.extend(self.values(spot).into_iter().filter(|one| !hidden.contains(&one.text)));
            let words = Word::RESERVED.iter().filter(|word| word.starts_with(&spot.word));
            all.extend(words.map(|word| plain(word, Kind::Keyword)));
        }
        if upper || spot.word.is_empty() {
            all.extend(self.upper(spot));
        }
        all
    }

    /// The labels of the call around.
    fn labels(&mut self, spot: &Spot) -> Vec<Candidate> {
        let mut labels: Vec<Candidate> = Vec::new();
        for call in self.calls_at(spot.file, spot.start) {
            for (label, at) in call.labels.iter().zip(&call.params) {
                let text = format!("{label}:");
                if !label.is_empty() && labels.iter().all(|one| one.text != text) {
                    let signature = call.signature.get(at.clone()).unwrap_or_default().to_owned();
                    labels.push(Candidate { signature, ..plain(&text, Kind::Field) });
                }
            }
        }
        labels
    }

    fn locals(&mut self, spot: &Spot) -> Vec<Candidate> {
        let Some(function) = self.function_around(spot.file, spot.offset) else {
            return Vec::new();
        };
        let function = self.world().function(function);
        let (ast, mut around) = (Arc::clone(&function.ast), function.around.clone());
        let of_actor = function.actor.map(|(actor, _)| self.world().actor(actor));
        let actor = of_actor.map(|decl| Arc::clone(&decl.ast));
        if let Some(decl) = of_actor {
            let functions = decl.ast.functions.iter().map(|function| &function.name.text);
            around.extend(functions.cloned().zip(decl.functions.iter().copied()));
        }
        // From outside to inside.
        let mut names: Vec<&Ident> = Vec::new();
        if let Some(actor) = &actor {
            names.extend(actor.params.iter().map(|param| &param.name));
            names.extend(actor.vars.iter().map(|var| &var.name));
        }
        names.extend(scope::names_at(&ast, spot.start));
        let mut found: Vec<Candidate> = Vec::new();
        for name in names.into_iter().rev() {
            let known = found.iter().any(|one| one.text == *name.text);
            if known || name.text.is_empty() || !name.text.starts_with(&spot.word) {
                continue;
            }
            let declared = self.declared(&Place { file: spot.file, span: name.span.clone() });
            found.push(described(&name.text, declared, Kind::Local));
        }
        for (name, key) in around {
            if name.starts_with(&spot.word) && found.iter().all(|one| one.text != *name) {
                found.push(self.candidate(&name, Meaning::Function(key)));
            }
        }
        found
    }

    /// Functions, constants and modules.
    fn values(&mut self, spot: &Spot) -> Vec<Candidate> {
        let names = self.checker.world.value_names(spot.module);
        let mut all = Vec::new();
        for name in names.into_iter().filter(|name| name.starts_with(&spot.word)) {
            let constant = self.checker.world.const_named(spot.module, &name).map(Meaning::Const);
            let meaning = constant
                .or_else(|| {
                    let found = self.checker.world.functions_named(spot.module, &name);
                    found.first().map(|key| Meaning::Function(*key))
                })
                .or_else(|| {
                    let found = self.checker.world.module_named(spot.module, &name);
                    found.flatten().map(Meaning::Module)
                });
            all.extend(meaning.map(|meaning| self.candidate(&name, meaning)));
        }
        all
    }

    /// Types and what makes values.
    fn upper(&mut self, spot: &Spot) -> Vec<Candidate> {
        let names = self.checker.world.upper_names(spot.module);
        let mut all = Vec::new();
        for name in names.into_iter().filter(|name| name.starts_with(&spot.word)) {
            if is_built_in(&name) {
                all.push(plain(&name, Kind::BuiltIn));
                continue;
            }
            let types = self.checker.world.types_named(spot.module, &name);
            let meaning = types.first().map(|ty| Meaning::Type(*ty)).or_else(|| {
                let found = self.checker.world.constructors_named(spot.module, &name);
                found.first().map(|constructor| Meaning::Constructor(*constructor))
            });
            all.extend(meaning.map(|meaning| self.candidate(&name, meaning)));
        }
        all
    }

    fn candidate(&mut self, name: &str, meaning: Meaning) -> Candidate {
        let declared = self.world().declared(meaning).and_then(|place| self.declared(&place));
        described(name, declared, Kind::BuiltIn)
    }
}

fn described(name: &str, declared: Option<Declared>, otherwise: Kind) -> Candidate {
    match declared {
        Some(Declared { kind, signature, doc, .. }) => {
            Candidate { text: name.to_owned(), kind, signature, doc }
        }
        None => plain(name, otherwise),
    }
}

fn plain(text: &str, kind: Kind) -> Candidate {
    Candidate { text: text.to_owned(), kind, signature: String::new(), doc: String::new() }
}

/// The tokens before the word at an offset, and where that begins. `None` within a literal.
fn before_word(
    tokens: &[Token],
    offset: u32,
    is_before: impl Fn(&Token) -> bool,
) -> Option<(&[Token], u32)> {
    let Some(at) = tokens.iter().rposition(is_before) else { return Some((&[], offset)) };
    let token = tokens[at];
    let is_word = token.kind.is_name()
        || token.kind.is_reserved()
        || matches!(token.kind, Word::TypeName | Word::Underscore);
    if token.end < offset || (token.end == offset && !is_word && !is_number(token.kind)) {
        return Some((&tokens[..=at], offset));
    }
    is_word.then_some((&tokens[..at], token.start))
}

fn is_number(kind: Word) -> bool {
    matches!(kind, Word::Int | Word::Float)
}

/// Whether what stands between the last token and a place is a comment.
fn is_comment(gap: Option<&str>) -> bool {
    gap.and_then(|gap| gap.rsplit('\n').next()).is_some_and(|line| line.contains('#'))
}

/// Whether a name follows that is declared there.
fn names_something_new(word: Word) -> bool {
    matches!(
        word,
        Word::Fn
            | Word::Var
            | Word::Record
            | Word::Enum
            | Word::Actor
            | Word::Alias
            | Word::Const
            | Word::App
            | Word::As
    )
}

/// The modules that an import may name, after its first tokens.
fn imports(line: &[Token], text: &str) -> Vec<Candidate> {
    let written = |token: &Token| text.get(token.start as usize..token.end as usize);
    let words: Vec<&str> = line.iter().skip(1).filter_map(written).collect();
    match words[..] {
        [] => vec![plain("std", Kind::Module)],
        ["std", "."] => library::importable().map(|name| plain(name, Kind::Module)).collect(),
        _ => Vec::new(),
    }
}
