//! Which engine runs programs.

use std::sync::Arc;

use clap::ValueEnum;

use iridium_isa::Module;
use iridium_vm::{Engine, Interpreter};

use crate::failure::Failure;

/// What `--engine` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum EngineChoice {
    /// Native code where programs spend their time, if there is code for this machine
    #[default]
    Auto,
    /// The interpreter alone
    Interpreter,
    /// As auto, but refuse to start where there is no code for this machine
    Native,
}

impl EngineChoice {
    /// The engine.
    ///
    /// # Errors
    /// When native code is asked for and this build, or this machine, has none.
    pub(crate) fn engine(self) -> Result<Arc<dyn Engine>, Failure> {
        let interpreter = || Arc::new(Interpreter::default()) as Arc<dyn Engine>;
        match self {
            Self::Interpreter => Ok(interpreter()),
            Self::Auto => Ok(native().unwrap_or_else(interpreter)),
            Self::Native => native().ok_or_else(|| {
                Failure::usage(
                    "--engine native: this iridium has no native code for this machine; \
                     --engine auto takes the interpreter then",
                )
            }),
        }
    }
}

#[cfg(feature = "jit")]
fn native() -> Option<Arc<dyn Engine>> {
    use iridium_jit::NativeEngine;
    NativeEngine::is_supported().then(|| Arc::new(NativeEngine::new()) as Arc<dyn Engine>)
}

/// The native code of a module as text; `None` when this build, or this machine, has none.
#[cfg(feature = "jit")]
pub(crate) fn native_listing(module: &Module) -> Option<String> {
    iridium_jit::listing(module)
}

#[cfg(not(feature = "jit"))]
pub(crate) fn native_listing(_: &Module) -> Option<String> {
    None
}

#[cfg(not(feature = "jit"))]
fn native() -> Option<Arc<dyn Engine>> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_the_interpreter_gets_it_and_auto_always_finds_something() {
        let name = |choice: EngineChoice| choice.engine().map(|engine| engine.name()).ok();
        let interpreter = Interpreter::default().name();
        assert_eq!(name(EngineChoice::Interpreter), Some(interpreter));
        let native = name(EngineChoice::Native);
        assert_eq!(name(EngineChoice::Auto), native.or(Some(interpreter)));
        assert_eq!(
            native.is_some(),
            cfg!(all(
                feature = "jit",
                any(
                    all(target_arch = "x86_64", unix),
                    all(target_arch = "aarch64", target_os = "linux")
                )
            ))
        );
    }
}
