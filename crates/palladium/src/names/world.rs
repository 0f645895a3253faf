//! Everything that is declared in the files which have been read so far.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use iridium_isa::{FileId, Span};

use super::source_file::SourceFile;
use super::uses::Uses;
use crate::core::{self, EnumId, FnId, RecordId, Type};
use crate::diag::{Place, Problem};
use crate::syntax::ast;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ModuleId(pub(crate) u32);

/// A declared function, reached or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct FnKey(pub(crate) u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ConstKey(pub(crate) u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct AliasKey(pub(crate) u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ActorId(pub(crate) u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct AppId(pub(crate) u32);

#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) modules: Vec<Module>,
    pub(crate) files: Vec<SourceFile>,
    /// The back end's view of types; the fields are filled in when they are asked for.
    pub(crate) records: Vec<core::Record>,
    pub(crate) enums: Vec<core::Enum>,
    pub(crate) record_decls: Vec<RecordDecl>,
    pub(crate) enum_decls: Vec<EnumDecl>,
    pub(crate) functions: Vec<FnDecl>,
    pub(crate) consts: Vec<ConstDecl>,
    pub(crate) aliases: Vec<AliasDecl>,
    pub(crate) actors: Vec<ActorDecl>,
    pub(crate) apps: Vec<AppDecl>,
    /// The modules of the library that have been read, by name.
    pub(crate) library: HashMap<&'static str, ModuleId>,
    /// The functions of defaults that are no literals, by the parameter or field.
    pub(crate) defaults: HashMap<(Owner, Arc<str>), FnKey>,
    pub(crate) problems: Vec<Problem>,
    /// `None`: nobody asks.
    pub(crate) uses: Option<Uses>,
}

#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) name: Arc<str>,
    pub(crate) file: FileId,
    pub(crate) library: bool,
    pub(crate) functions: HashMap<Arc<str>, Vec<FnKey>>,
    pub(crate) consts: HashMap<Arc<str>, ConstKey>,
    pub(crate) types: HashMap<Arc<str>, TypeName>,
    pub(crate) constructors: HashMap<Arc<str>, Vec<Constructor>>,
    pub(crate) imports: Vec<Import>,
    pub(crate) tests: Vec<TestDecl>,
}

#[derive(Debug, Clone)]
pub(crate) struct Import {
    pub(crate) name: Arc<str>,
    pub(crate) span: Span,
    /// `None`: it could not be read, which has been said.
    pub(crate) target: Option<Target>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    Module(ModuleId),
    /// It is read when something of it is asked for.
    Library(&'static str),
}

/// What the name of a type stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TypeName {
    Record(RecordId),
    Enum(EnumId),
    Alias(AliasKey),
    Actor(ActorId),
    App(AppId),
}

/// The declaration that a default belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    Function(FnKey),
    Record(RecordId),
}

/// What makes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Constructor {
    Record(RecordId),
    Variant(EnumId, u32),
    /// It is spawned.
    Actor(ActorId),
}

#[derive(Debug)]
pub(crate) struct RecordDecl {
    pub(crate) module: ModuleId,
    pub(crate) public: bool,
    pub(crate) ast: Arc<ast::Record>,
    pub(crate) generics: Option<Generics>,
    pub(crate) resolved: bool,
}

#[derive(Debug)]
pub(crate) struct EnumDecl {
    pub(crate) module: ModuleId,
    pub(crate) public: bool,
    pub(crate) ast: Arc<ast::Enum>,
    /// The actor whose messages it has.
    pub(crate) actor: Option<ActorId>,
    pub(crate) generics: Option<Generics>,
    pub(crate) resolved: bool,
}

#[derive(Debug)]
pub(crate) struct AliasDecl {
    pub(crate) module: ModuleId,
    pub(crate) public: bool,
    pub(crate) ast: Arc<ast::Alias>,
    pub(crate) resolved: Progress<(Generics, Type)>,
}

#[derive(Debug)]
pub(crate) struct ConstDecl {
    pub(crate) module: ModuleId,
    pub(crate) public: bool,
    pub(crate) ast: Arc<ast::Const>,
    /// Its type and the function that gives it.
    pub(crate) checked: Progress<(Type, FnId)>,
}

#[derive(Debug, Clone)]
pub(crate) enum Progress<T> {
    No,
    /// It is being worked on: who meets it now goes in a circle.
    Begun,
    Done(T),
}

#[derive(Debug)]
pub(crate) struct FnDecl {
    pub(crate) module: ModuleId,
    pub(crate) public: bool,
    /// Within its module: `each`, or `outer.inner`.
    pub(crate) path: Arc<str>,
    pub(crate) ast: Arc<ast::Fn>,
    /// Of a nested function: those that are declared around it.
    pub(crate) around: Vec<(Arc<str>, FnKey)>,
    /// Of a nested function: the locals around it, which it does not see.
    pub(crate) hidden: Vec<Arc<str>>,
    /// Of what belongs to an actor.
    pub(crate) actor: Option<(ActorId, Part)>,
    pub(crate) signature: Option<Rc<Signature>>,
    pub(crate) reached: Option<FnId>,
}

/// What a function is to an actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// What its process does from the begin to the end.
    Run,
    /// The first values of its variables, as a tuple.
    Begin,
    /// It uses the variables of the actor: a handler, or a function of it.
    Member,
}

/// An actor. Its messages are the variants of an enum that nobody else can name.
#[derive(Debug)]
pub(crate) struct ActorDecl {
    pub(crate) module: ModuleId,
    pub(crate) public: bool,
    pub(crate) ast: Arc<ast::Actor>,
    pub(crate) inbox: EnumId,
    pub(crate) run: FnKey,
    pub(crate) begin: FnKey,
    /// For each handler in the order of the source.
    pub(crate) handlers: Vec<FnKey>,
    /// For each variant of the inbox the position of its handler.
    pub(crate) messages: Vec<usize>,
    pub(crate) functions: Vec<FnKey>,
    /// The types of its variables.
    pub(crate) variables: Progress<Rc<[Type]>>,
}

impl ActorDecl {
    /// The messages that can be sent: the variant of the inbox, the handler and its function. Older
    /// forms are only received.
    pub(crate) fn sendable(&self) -> impl Iterator<Item = (usize, &ast::Handler, FnKey)> {
        let all = self.messages.iter().enumerate();
        all.map(|(variant, nth)| (variant, &self.ast.handlers[*nth], self.handlers[*nth]))
            .filter(|(_, handler, _)| !handler.old)
    }
}

/// An app.
#[derive(Debug)]
pub(crate) struct AppDecl {
    pub(crate) module: ModuleId,
    pub(crate) ast: Arc<ast::App>,
    pub(crate) children: Progress<Rc<[AppChild]>>,
}

/// A child of an app.
#[derive(Debug, Clone)]
pub(crate) struct AppChild {
    pub(crate) name: Arc<str>,
    /// It runs the child.
    pub(crate) function: FnId,
    /// What that calls.
    pub(crate) runs: Option<FnId>,
    /// What the child receives.
    pub(crate) inbox: Type,
}

#[derive(Debug)]
pub(crate) struct TestDecl {
    pub(crate) name: Arc<str>,
    pub(crate) span: Span,
    pub(crate) function: FnKey,
}

/// The type parameters of a declaration, with what they can do.
pub(crate) type Generics = Rc<[Generic]>;

#[derive(Debug, Clone)]
pub(crate) struct Generic {
    pub(crate) name: Arc<str>,
    pub(crate) span: Span,
    pub(crate) bounds: Vec<Bound>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Bound {
    Eq,
    Ord,
    Hash,
    Show,
    Send,
    /// It has a form in JSON.
    Json,
    /// `Int` or `Float`; only the library may say it.
    Num,
}

impl Bound {
    pub(crate) const ALL: [Self; 7] =
        [Self::Eq, Self::Ord, Self::Hash, Self::Show, Self::Send, Self::Json, Self::Num];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Eq => "Eq",
            Self::Ord => "Ord",
            Self::Hash => "Hash",
            Self::Show => "Show",
            Self::Send => "Send",
            Self::Json => "Json",
            Self::Num => "Num",
        }
    }

    /// Whether what has this one has the other as well.
    pub(crate) fn gives(self, other: Self) -> bool {
        self == other
            || matches!((self, other), (Self::Ord | Self::Hash, Self::Eq))
            || (self == Self::Num && matches!(other, Self::Eq | Self::Ord | Self::Show))
    }
}

/// What a call of a function must know.
#[derive(Debug)]
pub(crate) struct Signature {
    pub(crate) file: FileId,
    pub(crate) name: ast::Ident,
    pub(crate) generics: Generics,
    pub(crate) params: Vec<Param>,
    pub(crate) result: Type,
    /// The messages that it receives.
    pub(crate) receives: Option<Type>,
    /// Where the result is written, or else the name.
    pub(crate) result_span: Span,
}

#[derive(Debug)]
pub(crate) struct Param {
    pub(crate) name: Arc<str>,
    pub(crate) span: Span,
    pub(crate) ty: Type,
    pub(crate) inout: bool,
    pub(crate) default: bool,
}

impl Signature {
    pub(crate) fn is_method(&self) -> bool {
        self.params.first().is_some_and(|param| &*param.name == "self")
    }
}

impl World {
    pub(crate) fn module(&self, id: ModuleId) -> &Module {
        &self.modules[id.0 as usize]
    }

    /// Whether a file is one of the library.
    pub(crate) fn is_library(&self, file: FileId) -> bool {
        self.modules.iter().any(|module| module.file == file && module.library)
    }

    pub(crate) fn module_mut(&mut self, id: ModuleId) -> &mut Module {
        &mut self.modules[id.0 as usize]
    }

    pub(crate) fn function(&self, key: FnKey) -> &FnDecl {
        &self.functions[key.0 as usize]
    }

    pub(crate) fn actor(&self, id: ActorId) -> &ActorDecl {
        &self.actors[id.0 as usize]
    }

    pub(crate) fn app(&self, id: AppId) -> &AppDecl {
        &self.apps[id.0 as usize]
    }

    /// The actor that an inbox belongs to.
    pub(crate) fn actor_of(&self, inbox: EnumId) -> Option<ActorId> {
        self.enum_decls[inbox.0 as usize].actor
    }

    pub(crate) fn place(&self, module: ModuleId, span: &Span) -> Place {
        Place { file: self.module(module).file, span: span.clone() }
    }

    pub(crate) fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Adds a function and gives the key for it.
    pub(crate) fn add_function(&mut self, decl: FnDecl) -> FnKey {
        self.functions.push(decl);
        FnKey(self.functions.len() as u32 - 1)
    }
}
