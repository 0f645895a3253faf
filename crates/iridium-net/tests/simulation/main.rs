//! The membership core in a simulated network: each row of the join table, and
//! thousands of random schedules. `SIMULATION_SEED=n` replays one schedule,
//! `SIMULATION_TRACE=1` shows what happens in it, `SIMULATION_RUNS=n` sets how
//! many are tried, and `SIMULATION_FROM=n` the first seed.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)]

mod alone;
mod beliefs;
mod ends;
mod late;
mod liar;
mod lies;
mod mesh;
mod observer;
mod schedules;
mod seeds;
mod size;
mod table;
mod traffic;
mod wire;
mod world;
