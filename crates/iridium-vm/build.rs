//! Chooses the dispatch backend.
//!
//! The threaded backend relies on tail calls becoming jumps. LLVM does that for the architectures
//! below when it optimises; elsewhere the looped backend is the default. `IRIDIUM_DISPATCH=looped`
//! asks for that one in any build.
//!
//! Link-time optimisation makes no difference to that. On x86-64 at opt-level 3 without it, in one
//! codegen unit, in 16, and in 16 with debug assertions (profile `checked`), each of the 5,900
//! handlers goes on by a jump (`objdump -d target/release/examples/kernel`), and the kernels run in
//! 160 KiB of stack in the last two. The threaded backend does them in a half (fib) to a quarter (mandel)
//! of the instructions of the loop, which callgrind has counted in the first two. They are those of
//! `CARGO_PROFILE_RELEASE_LTO=off cargo build --release -p iridium-vm --example kernel`.
//! What tells a build that is worse is `cargo test --release -p iridium-vm --test stack`.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=IRIDIUM_DISPATCH");
    println!("cargo::rustc-check-cfg=cfg(iridium_tail_calls)");
    let optimised = matches!(env::var("OPT_LEVEL").as_deref(), Ok("2" | "3" | "s" | "z"));
    let architecture = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    let known = matches!(architecture.as_str(), "x86_64" | "aarch64" | "riscv64" | "loongarch64");
    let looped = env::var("IRIDIUM_DISPATCH").is_ok_and(|choice| choice == "looped");
    if optimised && known && !looped {
        println!("cargo::rustc-cfg=iridium_tail_calls");
    }
}
