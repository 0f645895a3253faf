//! App files: a tree of supervisors and programs as TOML. `docs/apps.md` describes them.
//!
//! Nothing is read from anywhere here. Whoever has the text of an app file makes an [`App`] of it,
//! which names modules by path, and turns that into a [`Spec`] by handing over the modules.

mod arguments;
mod error;
mod module;
mod read;
mod section;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::ops::Deref;

use self::error::Fault;
pub use self::error::{AppError, Mistake};
use self::read::Contents;
use self::tree::AppSupervisor;
use super::spec::Spec;
use iridium_isa::Module;

/// An app file that has been read.
///
/// ```
/// use std::convert::Infallible;
///
/// use iridium_asm::Assembler;
/// use iridium_sched::supervisor::app::App;
///
/// let app = App::parse("
///     [[child]]
///     name = 'counter'
///     module = 'counter.iasm'
///     entry = 'main'
/// ")?;
/// assert_eq!(app.modules(), ["counter.iasm"]);
/// let counter = Assembler::new("counter.iasm").assemble("main: hlt")?.module;
/// let spec = app.spec(|_path| Ok::<_, Infallible>(&counter))?;
/// assert_eq!(spec.children[0].registered.as_deref(), Some("counter"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct App {
    name: Option<String>,
    grants: Vec<(String, usize)>,
    top: AppSupervisor,
    /// For the positions of mistakes that are found with the modules at hand.
    text: String,
}

impl App {
    /// Reads the text of an app file.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn parse(text: &str) -> Result<Self, AppError> {
        let Contents { name, grants, top } =
            read::read(text).map_err(|fault| fault.in_text(text))?;
        Ok(Self { name, grants, top, text: text.to_owned() })
    }

    /// The name of the app, if the file gives one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Hands over what the file allows, in its words, which mean something to whoever runs programs.
    ///
    /// # Errors
    /// With the place of the first that is not taken.
    pub fn allow<E: Display>(
        &self,
        mut take: impl FnMut(&str) -> Result<(), E>,
    ) -> Result<(), AppError> {
        self.grants.iter().try_for_each(|(grant, at)| {
            let refused = |error: E| Mistake::Grant { error: error.to_string() };
            take(grant)
                .map_err(|error| Fault { at: *at, mistake: refused(error) }.in_text(&self.text))
        })
    }

    /// The paths of the modules as the file writes them, each once, in the order of the file. They
    /// are meant to be seen from the folder of the file.
    pub fn modules(&self) -> Vec<&str> {
        let mut paths = Vec::new();
        self.top.paths(&mut paths);
        let mut seen = HashSet::new();
        paths.retain(|path| seen.insert(*path));
        paths
    }

    /// The tree with its modules. Each is asked for once, by its path, in the order of the file.
    ///
    /// # Errors
    /// When a module cannot be had, or lacks the label at which a child is to start.
    pub fn spec<M, E>(&self, mut load: impl FnMut(&str) -> Result<M, E>) -> Result<Spec, AppError>
    where
        M: Deref<Target = Module>,
        E: Display,
    {
        let spec = self.top.spec(&mut HashMap::new(), &mut load);
        spec.map_err(|fault| fault.in_text(&self.text))
    }
}
