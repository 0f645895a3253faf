//! What runs the programs: Palladium, assembly written by hand, and the peers that this machine
//! has.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::program::{JSON, KERNELS};
use crate::bench::installed::{built, succeeds, timed};
use crate::bench::times::System;
use crate::{build, repository};

/// The systems, in the order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    Ours,
    OursInterpreted,
    Assembly,
    Lua,
    LuaJitOff,
    Python,
    Beam,
    Dkjson,
    SerdeJson,
}

impl System for Name {
    const OURS: &'static [Self] = &[Name::Ours];
    const PEERS: &'static [Self] = &[
        Name::OursInterpreted,
        Name::Assembly,
        Name::Lua,
        Name::LuaJitOff,
        Name::Python,
        Name::Beam,
        Name::Dkjson,
        Name::SerdeJson,
    ];

    fn colour(self) -> &'static str {
        match self {
            Name::Ours | Name::Assembly => "#4c72b0",
            Name::OursInterpreted => "#8aa4d0",
            Name::Lua => "#dd8452",
            Name::LuaJitOff => "#e8ac8a",
            Name::Python => "#55a868",
            Name::Beam => "#8172b3",
            Name::Dkjson => "#c7aa84",
            Name::SerdeJson => "#937860",
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Name::Ours => "palladium",
            Name::OursInterpreted => "interpreted",
            Name::Assembly => "assembly",
            Name::Lua => "lua5.4",
            Name::LuaJitOff => "luajit-joff",
            Name::Python => "cpython",
            Name::Beam => "beam",
            Name::Dkjson => "dkjson",
            Name::SerdeJson => "serde_json",
        })
    }
}

/// Something that runs programs.
pub(super) struct Contender {
    pub(super) name: Name,
    pub(super) program: PathBuf,
    /// Before the source and its argument.
    before: Vec<OsString>,
}

impl Contender {
    fn new(name: Name, program: impl Into<PathBuf>, before: &[&str]) -> Self {
        Self { name, program: program.into(), before: before.iter().map(OsString::from).collect() }
    }

    /// Whether it has a program.
    pub(super) fn can(&self, program: &str) -> bool {
        match self.name {
            Name::Ours | Name::OursInterpreted | Name::Lua | Name::Python => true,
            Name::LuaJitOff => program != "intloop",
            Name::Assembly => KERNELS.contains(&program),
            Name::Beam => ["fib", "mandel", "collatz"].contains(&program),
            Name::Dkjson | Name::SerdeJson => JSON.contains(&program),
        }
    }

    /// Runs a program. Gives the answer and the seconds: those that it prints itself behind its
    /// answer, or else those from its start to its end.
    pub(super) fn run(&self, program: &str, argument: u64) -> Result<(String, f64)> {
        let mut command = Command::new(&self.program);
        command.args(&self.before);
        let peers = repository::root().join("xtask/peers");
        let kernel = KERNELS.contains(&program);
        match self.name {
            Name::Ours | Name::OursInterpreted => {
                let module = module(program)?;
                let argument = argument.to_string();
                command.arg(module).args(["--heap-limit", HEAP, "--", &argument]);
                return timed(&mut command);
            }
            Name::Python => command.arg(peers.join(format!("programs/{program}.py"))),
            Name::Lua | Name::LuaJitOff if kernel => {
                command.arg(peers.join("kernels.lua")).arg(program)
            }
            Name::Lua | Name::LuaJitOff | Name::Dkjson => {
                command.arg(peers.join(format!("programs/{program}.lua")))
            }
            Name::Assembly => command.arg(
                repository::root()
                    .join(format!("crates/iridium-vm/benches/kernels/{program}.iasm")),
            ),
            Name::Beam | Name::SerdeJson => command.arg(program),
        };
        command.arg(argument.to_string());
        if self.name == Name::Dkjson {
            command.arg("dkjson");
        }
        let (answer, seconds) = timed(&mut command)?;
        if !kernel || self.name == Name::Python {
            return Ok((answer, seconds));
        }
        let (answer, seconds) = answer.split_once(' ').context("it printed no seconds")?;
        Ok((answer.to_owned(), seconds.parse().context("it printed no seconds")?))
    }
}

/// The bytes of heap that a program of ours may use.
const HEAP: &str = "1073741824";

/// The module of a program of ours.
fn module(program: &str) -> Result<PathBuf> {
    Ok(folder()?.join(format!("{program}.irb")))
}

/// Where modules and generated sources go.
pub(super) fn folder() -> Result<PathBuf> {
    let folder = crate::bench::results::folder()?.join("palladium");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// Builds what runs ours, on both engines, and assembly, on native code, and compiles the programs.
pub(super) fn ours(programs: &[&str], debug: bool) -> Result<[Contender; 3]> {
    let iridium = build::iridium(debug)?;
    let [kernel] = build::examples("iridium-jit", ["native-kernel"], debug)?;
    for program in programs {
        let source =
            repository::root().join(format!("crates/palladium/benches/programs/{program}.pd"));
        timed(Command::new(&iridium).arg("asm").arg(source).arg("-o").arg(module(program)?))
            .with_context(|| format!("cannot compile {program}"))?;
    }
    let interpreted = ["run", "--engine", "interpreter"];
    let interpreted = Contender::new(Name::OursInterpreted, &iridium, &interpreted);
    let ours = Contender::new(Name::Ours, iridium, &["run", "--engine", "auto"]);
    Ok([ours, interpreted, Contender::new(Name::Assembly, kernel, &[])])
}

/// A peer that is not there, and what would help.
pub(super) type Missing = (Name, String);

/// The peers that this machine has, and those that it has not.
pub(super) fn find(folder: &Path) -> (Vec<Contender>, Vec<Missing>) {
    let mut found = Vec::new();
    let mut missing: Vec<Missing> = Vec::new();
    for (name, program, flags) in
        [(Name::Lua, "lua5.4", &[][..]), (Name::LuaJitOff, "luajit", &["-joff"][..])]
    {
        if succeeds(Command::new(program).arg("-v")) {
            found.push(Contender::new(name, program, flags));
        } else {
            missing.push((name, format!("apt-get install {program}")));
        }
    }
    // Itself and not what may be in front of it: version managers take longer than programs.
    let itself = timed(Command::new("python3").args(["-c", "import sys; print(sys.executable)"]));
    match itself {
        Ok((python, _)) => found.push(Contender::new(Name::Python, python, &[])),
        Err(_) => missing.push((Name::Python, "apt-get install python3".into())),
    }
    let source = repository::root().join("xtask/peers/kernels.erl");
    if succeeds(Command::new("erlc").arg("-o").arg(folder).arg(source)) {
        let folder = folder.to_string_lossy();
        let before = ["-noshell", "-pa", &folder, "-run", "kernels", "main"];
        found.push(Contender::new(Name::Beam, "erl", &before));
    } else {
        missing.push((Name::Beam, "apt-get install erlang-base".into()));
    }
    if succeeds(Command::new("lua5.4").args(["-e", "require 'dkjson'"])) {
        found.push(Contender::new(Name::Dkjson, "lua5.4", &[]));
    } else {
        missing.push((Name::Dkjson, "apt-get install lua5.4 lua-dkjson".into()));
    }
    match built("json") {
        Ok(program) => found.push(Contender::new(Name::SerdeJson, program, &[])),
        Err(error) => {
            let remedy = format!("it is built from its package, which failed: {error:#}");
            missing.push((Name::SerdeJson, remedy));
        }
    }
    (found, missing)
}
