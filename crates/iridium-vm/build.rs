//! Chooses the dispatch backend.
//!
//! The threaded backend relies on tail calls becoming jumps. LLVM does that for the architectures
//! below when it optimises; elsewhere the looped backend is the default. `IRIDIUM_DISPATCH=looped`
//! asks for that one in any build.

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
