//! What runs the kernels: Iridium, and the peers of `xtask/peers` that this machine has.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::bench::installed::{built, succeeds};
use crate::bench::times::System;
use crate::{build, repository};

/// The systems, in the order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    Ours,
    OursNative,
    WasmtimeFuel,
    Wasmtime,
    WasmiFuel,
    Wasmi,
    Lua,
    LuaJitOff,
    LuaJit,
    Beam,
    Native,
}

impl System for Name {
    const OURS: &'static [Self] = &[Name::Ours, Name::OursNative];
    const PEERS: &'static [Self] = &[
        Name::WasmtimeFuel,
        Name::Wasmtime,
        Name::WasmiFuel,
        Name::Wasmi,
        Name::Lua,
        Name::LuaJitOff,
        Name::LuaJit,
        Name::Beam,
        Name::Native,
    ];

    fn colour(self) -> &'static str {
        match self {
            Name::Ours | Name::OursNative | Name::WasmiFuel => "#4c72b0",
            Name::Wasmi => "#8aa4d0",
            Name::WasmtimeFuel => "#55a868",
            Name::Wasmtime => "#9fd0ab",
            Name::Lua => "#dd8452",
            Name::LuaJitOff => "#e8ac8a",
            Name::LuaJit => "#f0d0bc",
            Name::Beam => "#8172b3",
            Name::Native => "#937860",
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Name::Ours => "iridium",
            Name::OursNative => "iridium-jit",
            Name::WasmtimeFuel => "wasmtime+fuel",
            Name::Wasmtime => "wasmtime",
            Name::WasmiFuel => "wasmi+fuel",
            Name::Wasmi => "wasmi",
            Name::Lua => "lua5.4",
            Name::LuaJitOff => "luajit-joff",
            Name::LuaJit => "luajit",
            Name::Beam => "beam",
            Name::Native => "native",
        })
    }
}

/// Something that runs kernels.
pub(super) struct Contender {
    pub(super) name: Name,
    pub(super) program: PathBuf,
    /// Before the kernel and its argument.
    before: Vec<OsString>,
    /// After them.
    after: Vec<OsString>,
    /// Kernels that it does not have.
    lacks: &'static [&'static str],
    /// Whether it takes a kernel as the path of an assembly file.
    assembles: bool,
}

impl Contender {
    fn new(name: Name, program: impl Into<PathBuf>) -> Self {
        let (before, after) = (Vec::new(), Vec::new());
        Self { name, program: program.into(), before, after, lacks: &[], assembles: false }
    }

    /// Has it count fuel.
    fn metered_if(mut self, is_metered: bool) -> Self {
        self.after.extend(is_metered.then(|| "fuel".into()));
        self
    }

    /// Whether it has a kernel.
    pub(super) fn can(&self, kernel: &str) -> bool {
        !self.lacks.contains(&kernel)
    }

    /// Runs a kernel. Gives the answer and the seconds.
    pub(super) fn run(&self, kernel: &str, argument: u64) -> Result<(i64, f64)> {
        let mut command = Command::new(&self.program);
        command.args(&self.before);
        if self.assembles {
            command.arg(
                repository::root().join(format!("crates/iridium-vm/benches/kernels/{kernel}.iasm")),
            );
        } else {
            command.arg(kernel);
        }
        command.arg(argument.to_string()).args(&self.after);
        let lines = numbers(&mut command)?;
        let [(answer, seconds)] = lines[..] else { bail!("it printed {} lines", lines.len()) };
        Ok((answer, seconds))
    }
}

/// Runs a program that prints lines of a whole number and seconds.
pub(super) fn numbers(command: &mut Command) -> Result<Vec<(i64, f64)>> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    text.lines()
        .map(|line| {
            let (number, seconds) = line.split_once(' ')?;
            Some((number.parse().ok()?, seconds.parse().ok()?))
        })
        .collect::<Option<_>>()
        .with_context(|| format!("it printed {text:?}"))
}

/// What is ours.
pub(super) struct Ours {
    /// Runs a kernel on the interpreter.
    pub(super) interpreted: Contender,
    /// Runs a kernel as native code, which is compiled meanwhile.
    pub(super) native: Contender,
    /// Measures assembling and loading.
    pub(super) rates: PathBuf,
}

/// Builds ours.
pub(super) fn ours(debug: bool) -> Result<Ours> {
    let [kernel, rates] = build::examples("iridium-vm", ["kernel", "vm-rates"], debug)?;
    let [native] = build::examples("iridium-jit", ["native-kernel"], debug)?;
    let [interpreted, native] = [(Name::Ours, kernel), (Name::OursNative, native)]
        .map(|(name, program)| Contender { assembles: true, ..Contender::new(name, program) });
    Ok(Ours { interpreted, native, rates })
}

/// A peer that is not there, and what would help.
pub(super) type Missing = (Name, String);

/// The peers that this machine has, and those that it has not.
pub(super) fn find(folder: &Path) -> (Vec<Contender>, Vec<Missing>) {
    let sources = repository::root().join("xtask/peers");
    let mut found = Vec::new();
    let mut missing: Vec<Missing> = Vec::new();

    if succeeds(Command::new("python3").args(["-c", "import wasmtime"])) {
        found.extend([Name::WasmtimeFuel, Name::Wasmtime].map(|name| {
            let mut wasmtime = Contender::new(name, "python3");
            wasmtime.before.push(sources.join("kernels_wasmtime.py").into());
            wasmtime.metered_if(name == Name::WasmtimeFuel)
        }));
    } else {
        let remedy = "python3 -m venv FOLDER, FOLDER/bin/pip install wasmtime, and put FOLDER/bin \
                      in front of PATH";
        missing.extend([Name::WasmtimeFuel, Name::Wasmtime].map(|name| (name, remedy.into())));
    }
    match built("iridium-peers") {
        Ok(program) => found.extend(
            [Name::WasmiFuel, Name::Wasmi]
                .map(|name| Contender::new(name, &program).metered_if(name == Name::WasmiFuel)),
        ),
        Err(error) => {
            let remedy = format!("it is built from its package, which failed: {error:#}");
            missing.extend([Name::WasmiFuel, Name::Wasmi].map(|name| (name, remedy.clone())));
        }
    }
    let script = sources.join("kernels.lua");
    for (name, program, flags, lacks) in [
        (Name::Lua, "lua5.4", &[][..], &[][..]),
        (Name::LuaJitOff, "luajit", &["-joff"][..], &["intloop"][..]),
        (Name::LuaJit, "luajit", &[][..], &["intloop"][..]),
    ] {
        if runs(program, "-v") {
            let mut lua = Contender { lacks, ..Contender::new(name, program) };
            lua.before.extend(flags.iter().map(OsString::from));
            lua.before.push(script.clone().into());
            found.push(lua);
        } else {
            missing.push((name, format!("apt-get install {program}")));
        }
    }
    if succeeds(Command::new("erlc").arg("-o").arg(folder).arg(sources.join("kernels.erl"))) {
        let lacks = &["intloop", "sieve", "matmul"];
        let mut beam = Contender { lacks, ..Contender::new(Name::Beam, "erl") };
        beam.before.extend(["-noshell".into(), "-pa".into(), folder.into()]);
        beam.before.extend(["-run", "kernels", "main"].map(OsString::from));
        found.push(beam);
    } else {
        missing.push((Name::Beam, "apt-get install erlang-base".into()));
    }
    let native = folder.join("kernels");
    let source = sources.join("kernels.c");
    if succeeds(Command::new("cc").args(["-O2", "-DNATIVE", "-o"]).arg(&native).arg(source)) {
        found.push(Contender::new(Name::Native, native));
    } else {
        missing.push((Name::Native, "apt-get install gcc".into()));
    }
    (found, missing)
}

fn runs(program: &str, flag: &str) -> bool {
    succeeds(Command::new(program).arg(flag))
}
