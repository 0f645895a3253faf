//! Runs a kernel of `kernels.wasm` on wasmi and prints the answer and the seconds it took, without
//! the time for reading and translating the module.
//!
//! `iridium-peers KERNEL N [fuel]`

use std::time::Instant;

use wasmi::{Config, Engine, Linker, Module, Store};

const KERNELS: &[u8] = include_bytes!("../kernels.wasm");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let kernel = arguments.next().ok_or("which kernel?")?;
    let argument: i64 = arguments.next().ok_or("which argument?")?.parse()?;
    let metered = match arguments.next().as_deref() {
        None => false,
        Some("fuel") => true,
        Some(other) => return Err(format!("`{other}` is neither `fuel` nor nothing").into()),
    };

    let mut config = Config::default();
    config.consume_fuel(metered);
    let engine = Engine::new(&config);
    let module = Module::new(&engine, KERNELS)?;
    let mut store = Store::new(&engine, ());
    if metered {
        store.set_fuel(u64::MAX)?;
    }
    let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module)?;
    let function = instance.get_typed_func::<i64, i64>(&store, &kernel)?;
    // Functions are translated when they are first called.
    function.call(&mut store, 0)?;

    let started = Instant::now();
    let answer = function.call(&mut store, argument)?;
    println!("{answer} {:.6}", started.elapsed().as_secs_f64());
    Ok(())
}
