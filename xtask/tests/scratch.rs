//! The libraries can be taken one by one: a project outside the workspace, which depends on
//! `iridium-isa` and `iridium-vm` alone, builds a module and runs it.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::Command;

const MAIN: &str = r#"
use iridium_isa::operand::{Int, IntOut, Lit32, Lit64};
use iridium_isa::{Instruction, ModuleBuilder};
use iridium_vm::{Hosts, Limits, Process, Program, Stop};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut b = ModuleBuilder::new();
    let (again, done) = (b.label(), b.named_label("done"));
    b.push(Instruction::Load { d: IntOut(1), n: Lit64(10) });
    b.bind(again);
    b.push_to(done, |l| Instruction::Breqi { a: Int(1), n: Lit32(0), l });
    b.push(Instruction::Add { a: Int(0), b: Int(1), d: IntOut(0) });
    b.push(Instruction::Subi { a: Int(1), n: Lit32(1), d: IntOut(1) });
    b.jump(again);
    b.bind(done);
    let text = b.string("the sum is ");
    b.push(Instruction::Prts { s: text });
    b.push(Instruction::Prti { a: Int(0) });
    b.push(Instruction::Hlt {});

    let program = Program::new(b.finish()?, &Hosts::new())?;
    let mut process = Process::new(&program, Limits::default());
    let mut output = Vec::new();
    assert_eq!(process.run(&program, 1_000, &mut output)?, Stop::Halted(55));
    println!("{}", String::from_utf8(output)?);
    Ok(())
}
"#;

#[test]
fn a_project_of_its_own_runs_what_it_builds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let project = tempfile::tempdir().unwrap();
    let library = |name: &str| {
        let path = root.join("crates").join(name).to_str().unwrap().replace('\\', "/");
        format!("{name} = {{ path = \"{path}\" }}\n")
    };
    let manifest = "[package]\nname = \"scratch\"\nedition = \"2024\"\n\n[dependencies]\n"
        .to_owned()
        + &library("iridium-isa")
        + &library("iridium-vm");
    fs::write(project.path().join("Cargo.toml"), manifest).unwrap();
    fs::create_dir(project.path().join("src")).unwrap();
    fs::write(project.path().join("src/main.rs"), MAIN).unwrap();
    // The versions that the workspace uses are those that are at hand without a network.
    fs::copy(root.join("Cargo.lock"), project.path().join("Cargo.lock")).unwrap();

    let output = Command::new(env!("CARGO"))
        .args(["run", "--offline", "--quiet"])
        .env("CARGO_TARGET_DIR", root.join("target/scratch"))
        // Nobody debugs it.
        .env("CARGO_PROFILE_DEV_DEBUG", "none")
        .current_dir(project.path())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "the sum is 55\n", "{errors}");
}
